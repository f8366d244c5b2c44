"""LangChain and LangGraph (extra ``langchain``): ``BaseTool`` and retrievers, shapes of langchain-core 1.x, read in November 2026."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fairlead.core import Refused
from fairlead.integrations.frameworks.ports import Agent, needed, passage, said

if TYPE_CHECKING:
    from langchain_core.documents import Document
    from langchain_core.runnables import Runnable
    from langchain_core.tools import BaseTool

_EXTRA = "langchain"


def guard_tools(agent: Agent, tools: "Sequence[BaseTool]") -> "list[BaseTool]":
    """Return tools that are called when the broker allows it; a model is told why one was not.

    Arguments that LangGraph injects (state, store) are not supported: the model did not write them.

    Args:
        agent: From ``Guard.trajectory``.
        tools: The tools, each under its name in the policy.

    Raises:
        UsageError: The extra is not installed.
    """
    return [_guarded(agent, tool) for tool in tools]


def guard_retriever(agent: Agent, retriever: "Runnable[str, list[Document]]") -> "Runnable[str, list[Document]]":
    """Return a retriever that gives only what may be used.

    Args:
        agent: From ``Guard.trajectory``.
        retriever: Its documents carry ``source``, ``tenant``, ``readers`` and ``updated_at`` in their metadata.

    Raises:
        UsageError: The extra is not installed.
    """

    def find(query: str) -> "list[Document]":
        return _kept(agent.retrieved(_passages(retriever.invoke(query))))

    async def afind(query: str) -> "list[Document]":
        return _kept(await agent.aretrieved(_passages(await retriever.ainvoke(query))))

    return needed("langchain_core.runnables", _EXTRA).RunnableLambda(find, afunc=afind)


def _guarded(agent: Agent, tool: "BaseTool") -> "BaseTool":
    tools = needed("langchain_core.tools", _EXTRA)

    def call(**arguments: object) -> object:
        try:
            return agent.call(tool.name, arguments, lambda **given: tool.invoke(given))
        except Refused as stopped:
            raise tools.ToolException(said(stopped)) from stopped

    async def acall(**arguments: object) -> object:
        try:
            return await agent.acall(tool.name, arguments, lambda **given: tool.ainvoke(given))
        except Refused as stopped:
            raise tools.ToolException(said(stopped)) from stopped

    # As JSON Schema, so that the broker sees what the model wrote and no default; the tool itself checks and completes it.
    schema: dict[str, Any] = _schema(tool)
    return tools.StructuredTool(
        name=tool.name,
        description=tool.description,
        args_schema=schema,
        func=call,
        coroutine=acall,
        handle_tool_error=True,
        return_direct=tool.return_direct,
    )


def _schema(tool: "BaseTool") -> dict[str, Any]:
    shape = tool.tool_call_schema
    return dict(shape) if isinstance(shape, dict) else shape.model_json_schema()


def _passages(found: "Sequence[Document]") -> list[dict[str, Any]]:
    return [passage(one.page_content, one.metadata, one) for one in found]


def _kept(retrieved: Any) -> "list[Document]":  # noqa: ANN401 - fairlead.sdk.Retrieved
    return [one.item.model_copy(update={"page_content": one.text}) for one in retrieved.passages]
