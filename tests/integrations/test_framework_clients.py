"""Chat classes of LangChain and LlamaIndex through a real gateway: whole, streamed, with tools."""

from collections.abc import Callable
from typing import Any

import pytest
from gateway_bench import Bench, bench, call

__all__ = ["bench", "call"]
CARD = "4111 1111 1111 1111"
TOOL = {
    "type": "function",
    "function": {"name": "search_docs", "description": "Search.", "parameters": {"type": "object", "properties": {}}},
}
pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning"), pytest.mark.filterwarnings("ignore::ResourceWarning")]


def test_langchain_chat(bench: Bench, call: Callable[..., dict[str, object]]) -> None:
    client = pytest.importorskip("langchain_openai", reason="langchain-openai is not installed")
    desk = bench.start()
    model: Any = client.ChatOpenAI(base_url=f"{desk.url}/v1", api_key=desk.token, model="m", max_retries=0)
    desk.model.says(f"pay {CARD} now")
    assert model.invoke("hi").content == "pay [PAYMENT_CARD] now"
    desk.model.streams("pay 4111 1111", " 1111 1111 now")
    assert "".join(chunk.content for chunk in model.stream("hi")) == "pay [PAYMENT_CARD] now"
    desk.model.says("", tool_calls=[call("search_docs", {"q": "x"}), call("drop_table", {}, "call_2")])
    answer = model.bind_tools([TOOL]).invoke("hi")
    assert [one["name"] for one in answer.tool_calls] == ["search_docs"]


def test_llamaindex_chat(bench: Bench, call: Callable[..., dict[str, object]]) -> None:
    client = pytest.importorskip("llama_index.llms.openai_like", reason="llama-index-llms-openai-like is not installed")
    from llama_index.core.llms import ChatMessage

    desk = bench.start()
    llm: Any = client.OpenAILike(
        api_base=f"{desk.url}/v1", api_key=desk.token, model="m", max_retries=0, is_chat_model=True, is_function_calling_model=True
    )
    hello = [ChatMessage(role="user", content="hi")]
    desk.model.says(f"pay {CARD} now")
    assert llm.chat(hello).message.content == "pay [PAYMENT_CARD] now"
    desk.model.streams("pay 4111 1111", " 1111 1111 now")
    assert "".join(one.delta or "" for one in llm.stream_chat(hello)) == "pay [PAYMENT_CARD] now"
    desk.model.says("", tool_calls=[call("search_docs", {"q": "x"}), call("drop_table", {}, "call_2")])
    answer = llm.chat(hello, tools=[TOOL])
    assert [one.tool_name for one in llm.get_tool_calls_from_response(answer)] == ["search_docs"]
