"""LlamaIndex (extra ``llamaindex``): tools and retrievers, shapes of llama-index-core 0.14, read in November 2026."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fairlead.core import Refused
from fairlead.integrations.frameworks.ports import Agent, needed, passage, said

if TYPE_CHECKING:
    from llama_index.core.base.base_retriever import BaseRetriever
    from llama_index.core.schema import NodeWithScore, QueryBundle
    from llama_index.core.tools import AsyncBaseTool
    from llama_index.core.tools.types import BaseTool

_EXTRA = "llamaindex"


def guard_tools(agent: Agent, tools: "Sequence[BaseTool]") -> "list[AsyncBaseTool]":
    """Return tools that are called when the broker allows it; a model is told why one was not.

    Args:
        agent: From ``Guard.trajectory``.
        tools: The tools, each under its name in the policy.

    Raises:
        UsageError: The extra is not installed.
    """
    return [_guarded(agent, needed("llama_index.core.tools", _EXTRA).adapt_to_async_tool(tool)) for tool in tools]


def guard_retriever(agent: Agent, retriever: "BaseRetriever") -> "BaseRetriever":
    """Return a retriever that gives only what may be used; what is redacted becomes a text node.

    Args:
        agent: From ``Guard.trajectory``.
        retriever: Its nodes carry ``source``, ``tenant``, ``readers`` and ``updated_at`` in their metadata.

    Raises:
        UsageError: The extra is not installed.
    """
    base = needed("llama_index.core.base.base_retriever", _EXTRA).BaseRetriever

    class Guarded(base):  # type: ignore[misc, valid-type]  # the framework is not known before it is asked for
        def _retrieve(self, query_bundle: "QueryBundle") -> "list[NodeWithScore]":
            return _kept(agent.retrieved(_passages(retriever.retrieve(query_bundle))))

        async def _aretrieve(self, query_bundle: "QueryBundle") -> "list[NodeWithScore]":
            return _kept(await agent.aretrieved(_passages(await retriever.aretrieve(query_bundle))))

    guarded: BaseRetriever = Guarded()
    return guarded


def _guarded(agent: Agent, tool: "AsyncBaseTool") -> "AsyncBaseTool":
    name = tool.metadata.get_name()

    def call(**arguments: object) -> object:
        try:
            return agent.call(name, arguments, lambda **given: tool.call(**given).content)
        except Refused as stopped:
            return said(stopped)

    async def acall(**arguments: object) -> object:
        async def made(**given: object) -> str:
            return str((await tool.acall(**given)).content)

        try:
            return await agent.acall(name, arguments, made)
        except Refused as stopped:
            return said(stopped)

    guarded: AsyncBaseTool = needed("llama_index.core.tools", _EXTRA).FunctionTool(fn=call, async_fn=acall, metadata=tool.metadata)
    return guarded


def _passages(found: "Sequence[NodeWithScore]") -> list[dict[str, Any]]:
    return [passage(one.node.get_content(), one.node.metadata, one) for one in found]


def _kept(retrieved: Any) -> "list[NodeWithScore]":  # noqa: ANN401 - fairlead.sdk.Retrieved
    return [_with_text(one.item, one.text) for one in retrieved.passages]


def _with_text(found: "NodeWithScore", text: str) -> "NodeWithScore":
    if found.node.get_content() == text:
        return found
    schema = needed("llama_index.core.schema", _EXTRA)
    changed: NodeWithScore = schema.NodeWithScore(
        node=schema.TextNode(text=text, id_=found.node.node_id, metadata=found.node.metadata), score=found.score
    )
    return changed
