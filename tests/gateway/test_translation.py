"""Clients of one API are answered by a model of the other: the official clients, plain, streaming, tools, refusals."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest
from gateway_bench import POLICY, Bench, bench_in
from messages_wire import call, events_of, reply, wire

CARD = "4111 1111 1111 1111"
SECRET = "AKIA" + "IOSFODNN7EXAMPLQ"
TO_ANTHROPIC = POLICY.replace("provider: openai", "translate: true, provider: anthropic")
TO_OPENAI = POLICY.replace("provider: openai", "translate: true, provider: openai")
USER: Any = [{"role": "user", "content": "hello"}]
PARAMETERS = {"type": "object", "properties": {"query": {"type": "string"}}}
PIXEL = "iVBORw0KGgo="


@pytest.fixture(scope="module")
def claude(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A gateway in front of a model that speaks Messages."""
    with bench_in(tmp_path_factory.mktemp("claude")) as bench:
        yield bench.start(TO_ANTHROPIC)


@pytest.fixture(scope="module")
def gpt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A gateway in front of a model that speaks Chat Completions."""
    with bench_in(tmp_path_factory.mktemp("gpt")) as bench:
        yield bench.start(TO_OPENAI)


@pytest.fixture(autouse=True)
def forget(claude: Bench, gpt: Bench) -> None:
    for bench in (claude, gpt):
        bench.model.requests.clear()
        bench.model.asked.clear()
        bench.model.forget()


@pytest.fixture(scope="module")
def chats(claude: Bench) -> Iterator[openai.OpenAI]:
    with claude.client() as client:
        yield client


@pytest.fixture(scope="module")
def messages(gpt: Bench) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gpt.url, api_key=gpt.token, max_retries=0) as client:
        yield client


def _sends(bench: Bench, message: Any) -> None:
    bench.model.sends([json.dumps(message).encode()])


def _streams(bench: Bench, message: Any, size: int) -> None:
    bench.model.sends(wire(events_of(message, size)), content_type=b"text/event-stream")


HISTORY: Any = [
    {"role": "system", "content": "be kind"},
    {"role": "user", "content": [{"type": "text", "text": "what is this"}]},
    {
        "role": "assistant",
        "content": "I look",
        "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "search_docs", "arguments": '{"query": "it"}'}}],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "a find"},
    {"role": "user", "content": "and now"},
]
ASKED_OF_CLAUDE = {
    "model": "m",
    "max_tokens": 4096,
    "system": [{"type": "text", "text": "be kind"}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "what is this"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "I look"},
                {"type": "tool_use", "id": "call_1", "name": "search_docs", "input": {"query": "it"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "call_1", "content": [{"type": "text", "text": "a find"}]},
                {"type": "text", "text": "and now"},
            ],
        },
    ],
    "temperature": 1,
    "stop_sequences": ["END"],
    "tools": [{"name": "search_docs", "description": "finds", "input_schema": PARAMETERS}],
    "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
}


def test_a_chat_is_asked_of_messages_and_answered_as_a_chat(claude: Bench, chats: openai.OpenAI) -> None:
    _sends(
        claude,
        reply({"type": "thinking", "thinking": "hm", "signature": "s"}, "found it", call("search_docs", {"query": "x"}), stop="tool_use"),
    )
    tools: Any = [{"type": "function", "function": {"name": "search_docs", "description": "finds", "parameters": PARAMETERS}}]
    answer = chats.chat.completions.create(
        model="m", messages=HISTORY, temperature=1.5, stop="END", tools=tools, tool_choice="required", parallel_tool_calls=False
    )
    assert claude.model.requests == [ASKED_OF_CLAUDE]
    [(path, headers)] = claude.model.asked
    assert (path, "anthropic-version" in headers) == ("/messages", True)
    choice = answer.choices[0]
    assert (choice.message.content, choice.message.model_extra, choice.finish_reason) == (
        "found it",
        {"reasoning_content": "hm"},
        "tool_calls",
    )
    [made] = choice.message.tool_calls or []
    assert (made.id, made.type) == ("toolu_1", "function")
    assert made.type == "function"
    assert (made.function.name, json.loads(made.function.arguments)) == ("search_docs", {"query": "x"})
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (3, 4)


@pytest.mark.parametrize("size", [1, 7])
def test_a_stream_of_messages_is_guarded_as_chunks(claude: Bench, chats: openai.OpenAI, size: int) -> None:
    _streams(
        claude, reply(f"your card {CARD} is here", call("search_docs", {"query": "x"}), call("search_docs", {}), stop="tool_use"), size
    )
    with chats.chat.completions.stream(model="m", messages=USER, stream_options={"include_usage": True}) as stream:
        answer = stream.get_final_completion()
    message = answer.choices[0].message
    assert (message.content, answer.choices[0].finish_reason) == ("your card [PAYMENT_CARD] is here", "tool_calls")
    assert [json.loads(one.function.arguments) for one in message.tool_calls or []] == [{"query": "x"}, {}]
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 34


def test_a_message_is_asked_of_a_chat_and_answered_as_a_message(
    gpt: Bench, messages: anthropic.Anthropic, call: Callable[..., Any]
) -> None:
    gpt.model.says("found it", tool_calls=[call("search_docs", {"query": "x"})], usage={"prompt_tokens": 5, "completion_tokens": 6})
    history: Any = [
        {"role": "user", "content": [{"type": "text", "text": "what is this"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "text", "text": "I look"},
                {"type": "tool_use", "id": "t1", "name": "search_docs", "input": {"query": "it"}},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "a find"}, {"type": "text", "text": "and now"}],
        },
    ]
    tools: Any = [{"name": "search_docs", "description": "finds", "input_schema": PARAMETERS}]
    message = messages.messages.create(
        model="m", max_tokens=9, system="be kind", messages=history, tools=tools, tool_choice={"type": "tool", "name": "search_docs"}
    )
    assert gpt.model.requests == [
        {
            "model": "m",
            "max_completion_tokens": 9,
            "messages": [
                {"role": "system", "content": "be kind"},
                {"role": "user", "content": [{"type": "text", "text": "what is this"}]},
                {
                    "role": "assistant",
                    "content": [{"type": "text", "text": "I look"}],
                    "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "search_docs", "arguments": '{"query":"it"}'}}],
                },
                {"role": "tool", "tool_call_id": "t1", "content": "a find"},
                {"role": "user", "content": [{"type": "text", "text": "and now"}]},
            ],
            "tools": [{"type": "function", "function": {"name": "search_docs", "description": "finds", "parameters": PARAMETERS}}],
            "tool_choice": {"type": "function", "function": {"name": "search_docs"}},
        }
    ]
    assert gpt.model.asked[0][0] == "/chat/completions"
    assert [block.to_dict() for block in message.content] == [
        {"type": "text", "text": "found it"},
        {"type": "tool_use", "id": "call_1", "name": "search_docs", "input": {"query": "x"}},
    ]
    assert (message.stop_reason, message.usage.input_tokens, message.usage.output_tokens) == ("tool_use", 5, 6)


@pytest.mark.parametrize("done", [True, False])
def test_a_stream_of_chunks_is_guarded_as_a_message(gpt: Bench, messages: anthropic.Anthropic, *, done: bool) -> None:
    chunk = gpt.model.chunk
    parts = [chunk({"role": "assistant", "reasoning_content": "h"}), chunk({"reasoning_content": "m"})]
    parts += [chunk({"content": letter}) for letter in f"your card {CARD} is here"]
    for place, arguments in ((0, ['{"query"', ':"x"}']), (1, ["{}"])):
        named = {"index": place, "id": f"c{place}", "type": "function", "function": {"name": "search_docs", "arguments": ""}}
        parts.append(chunk({"tool_calls": [named]}))
        parts += [chunk({"tool_calls": [{"index": place, "function": {"arguments": piece}}]}) for piece in arguments]
    parts.append(chunk({}, finish="tool_calls"))
    parts += [b"data: [DONE]\n\n"] if done else []
    gpt.model.sends(parts, content_type=b"text/event-stream")
    with messages.messages.stream(model="m", max_tokens=9, messages=USER) as stream:
        message = stream.get_final_message()
    assert gpt.model.requests[0]["stream_options"] == {"include_usage": True}
    assert [block.to_dict() for block in message.content] == [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "text", "text": "your card [PAYMENT_CARD] is here"},
        {"type": "tool_use", "id": "c0", "name": "search_docs", "input": {"query": "x"}},
        {"type": "tool_use", "id": "c1", "name": "search_docs", "input": {}},
    ]
    assert message.stop_reason == "tool_use"


def test_a_call_that_the_policy_forbids_is_stopped_in_the_client_s_shape(claude: Bench, chats: openai.OpenAI) -> None:
    _sends(claude, reply(call("delete_all", {"now": True}), stop="tool_use"))
    choice = chats.chat.completions.create(model="m", messages=USER).choices[0]
    assert (choice.message.tool_calls, choice.finish_reason) == (None, "content_filter")


@pytest.mark.parametrize("streaming", [True, False])
def test_a_secret_in_a_request_reaches_no_model(claude: Bench, chats: openai.OpenAI, *, streaming: bool) -> None:
    told = [*HISTORY, {"role": "user", "content": f"my key is {SECRET}"}]
    with pytest.raises(openai.BadRequestError) as caught:
        chats.chat.completions.create(model="m", messages=told, stream=streaming)
    assert (caught.value.code, claude.model.requests) == ("content_filter", [])


@pytest.mark.parametrize(
    ("extra", "where"),
    [
        ({"n": 2}, "/n"),
        ({"logprobs": True}, "/logprobs"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "/tools/0"),
        ({"response_format": {"type": "json_object"}}, "/response_format"),
    ],
)
def test_what_messages_does_not_have_is_refused(claude: Bench, chats: openai.OpenAI, extra: dict[str, Any], where: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        chats.chat.completions.create(model="m", messages=USER, **extra)
    assert f"at {where};" in caught.value.message
    assert claude.model.requests == []


def test_what_a_chat_does_not_have_is_refused(messages: anthropic.Anthropic) -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({"top_k": 3}, "/top_k"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "/thinking"),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, "/tools/0"),
    ]
    for extra, where in refused:
        with pytest.raises(anthropic.BadRequestError) as caught:
            messages.messages.create(model="m", max_tokens=9, messages=USER, extra_body=extra)
        assert f"at {where};" in caught.value.message
    with pytest.raises(anthropic.BadRequestError, match="speaks the API of openai"):
        messages.messages.count_tokens(model="m", messages=USER)


def test_a_stream_that_breaks_off_is_no_whole_answer(
    claude: Bench, chats: openai.OpenAI, gpt: Bench, messages: anthropic.Anthropic
) -> None:
    claude.model.sends(wire(events_of(reply("good day"), 3)[:-2]), content_type=b"text/event-stream")
    with pytest.raises(openai.APIError), chats.chat.completions.create(model="m", messages=USER, stream=True) as stream:
        list(stream)
    gpt.model.sends([gpt.model.chunk({"content": "good"})], content_type=b"text/event-stream")
    with pytest.raises(anthropic.APIError), messages.messages.create(model="m", max_tokens=9, messages=USER, stream=True) as events:
        list(events)


def test_an_image_and_a_schema_go_along(bench: Bench) -> None:
    bench.start(TO_ANTHROPIC.replace("unknown: block", "unknown: allow"))
    content: Any = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}]
    form: Any = {"type": "json_schema", "json_schema": {"name": "a", "schema": PARAMETERS}}
    _sends(bench, reply("{}"))
    with bench.client() as client:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": content}], response_format=form)
    [asked] = bench.model.requests
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    assert asked["messages"] == [{"role": "user", "content": [{"type": "image", "source": source}]}]
    assert asked["output_config"] == {"format": {"type": "json_schema", "schema": PARAMETERS}}


def test_a_model_of_the_other_api_stands_in(bench: Bench) -> None:
    other = 'other: {provider: anthropic, translate: true, model: claude-x, base_url: "UPSTREAM"}'
    bench.start(POLICY.replace('base_url: "UPSTREAM"}', f'base_url: "UPSTREAM", fallback: other}}, {other}'))
    bench.model.sends([b"{}"], status=503)
    _sends(bench, reply("good day"))
    with bench.client() as client:
        answer = client.chat.completions.create(model="m", messages=USER)
    assert (answer.choices[0].message.content, [path for path, _ in bench.model.asked]) == ("good day", ["/chat/completions", "/messages"])
    assert bench.model.requests[1]["model"] == "claude-x"


def test_without_a_word_of_the_policy_nothing_is_translated(bench: Bench) -> None:
    bench.start(POLICY.replace("provider: openai", "provider: anthropic"))
    with pytest.raises(openai.BadRequestError, match="translate: true"), bench.client() as client:
        client.chat.completions.create(model="m", messages=USER)
