"""``resources/*`` and ``prompts/*``: refused unless the policy says ``guard``; then their texts are retrieved documents like any other."""

from collections.abc import Callable, Mapping
from typing import Literal

import anyio
import mcp_types as types
from mcp.shared.exceptions import MCPError

from fairlead.agents import BETWEEN
from fairlead.core import Segment
from fairlead.gateway.mcp.desk import Talk, stopped_text
from fairlead.gateway.mcp.errors import ServerFailed
from fairlead.gateway.mcp.links import Link
from fairlead.guard import Spot, guard_output
from fairlead.wire import Json, Told, apply_edits, read_listed, read_prompt, read_resource

Kind = Literal["resources", "prompts"]
REFUSED = "mcp.refused"
_ENTRIES = 1_000
"""Entries of one listing that are looked at."""


async def list_resources(talk: Talk) -> dict[str, Json]:
    """Return the resources of the servers whose resources the policy lets be read; an address that two servers give is nobody's."""
    found = await _listed(talk, "resources", lambda params: types.ListResourcesRequest(params=params))
    uris = [entry.get("uri") for _, entry in found]
    mine = [(server, entry) for server, entry in found if uris.count(entry.get("uri")) == 1]
    return {"resources": await _shown(talk, mine), **talk.ending()}


async def list_prompts(talk: Talk) -> dict[str, Json]:
    """Return the prompts of the servers whose prompts the policy lets be read, each as ``server__prompt``."""
    found = await _listed(talk, "prompts", lambda params: types.ListPromptsRequest(params=params))
    named = [(server, {**entry, "name": f"{server}{BETWEEN}{entry.get('name')}"}) for server, entry in found]
    return {"prompts": await _shown(talk, named), **talk.ending()}


async def read_one_resource(talk: Talk, uri: str) -> dict[str, Json]:
    """Return a resource that one server, and only one, lists under this address."""
    found = await _listed(talk, "resources", lambda params: types.ListResourcesRequest(params=params))
    owners = [server for server, entry in found if entry.get("uri") == uri]
    if len(owners) != 1:
        raise await _refused(talk, uri, "no server, or more than one, lists this resource where the policy says 'resources: guard'")
    params = types.ReadResourceRequestParams(uri=uri)
    return await _read(talk, owners[0], types.ReadResourceRequest(params=params), read_resource)


async def get_one_prompt(talk: Talk, name: str, arguments: Mapping[str, str]) -> dict[str, Json]:
    """Return a prompt of a server."""
    server, _, own = name.partition(BETWEEN)
    if server not in _guarded(talk, "prompts"):
        raise await _refused(talk, name, "there is no such prompt where the policy says 'prompts: guard'")
    params = types.GetPromptRequestParams(name=own, arguments=dict(arguments))
    return await _read(talk, server, types.GetPromptRequest(params=params), read_prompt)


def _guarded(talk: Talk, kind: Kind) -> dict[str, Link]:
    release = talk.exchange.serving.release
    document = release.policy.mcp
    servers = document.servers if document is not None else {}
    reach = {name: server.resources if kind == "resources" else server.prompts for name, server in servers.items()}
    return {name: link for name, link in talk.servers.links(talk.caller.tenant, release).items() if reach[name] == "guard"}


async def _listed(
    talk: Talk, kind: Kind, request: Callable[[types.PaginatedRequestParams], types.ClientRequest]
) -> list[tuple[str, dict[str, Json]]]:
    stopped = await talk.gate(())
    if stopped is not None:
        raise MCPError(types.INVALID_REQUEST, stopped_text(stopped, f"The list of {kind}"))
    found: dict[str, list[dict[str, Json]]] = {}

    async def look(name: str, link: Link) -> None:
        try:
            found[name] = await link.list(request, kind)
        except ServerFailed:
            return

    links = _guarded(talk, kind)
    async with anyio.create_task_group() as group:
        for name, link in links.items():
            group.start_soon(look, name, link)
    return [(name, entry) for name in links for entry in found.get(name, [])][:_ENTRIES]


async def _shown(talk: Talk, entries: list[tuple[str, dict[str, Json]]]) -> list[Json]:
    shown: list[Json] = []
    for place, (server, entry) in enumerate(entries):
        told = read_listed(entry, server)
        talk.exchange.saw(told.segments)
        outcome = await talk.exchange.run(
            guard_output(talk.context, told.segments, told.unknown, spot=Spot("retrieval", f"listed:{place}"))
        )
        if not outcome.stopped:
            apply_edits(told.body, outcome.texts)
            shown.append(told.body)
    return shown


async def _read(talk: Talk, server: str, request: types.ClientRequest, take: Callable[[Mapping[str, Json], str], Told]) -> dict[str, Json]:
    try:
        raw = await _guarded(talk, "resources" if isinstance(request, types.ReadResourceRequest) else "prompts")[server].ask(request)
    except ServerFailed as failure:
        raise MCPError(types.INTERNAL_ERROR, f"the server {failure.where} failed: {failure.what}") from None
    told = take(raw, server)
    talk.exchange.saw(told.segments)
    outcome = await talk.exchange.run(guard_output(talk.context, told.segments, told.unknown, spot=Spot("retrieval", "read")))
    if outcome.stopped:
        raise MCPError(types.INVALID_REQUEST, stopped_text(outcome, "What was read"))
    apply_edits(told.body, outcome.texts)
    left = take(told.body, server)
    await anyio.to_thread.run_sync(talk.exchange.serving.broker.read, talk.tool_context((*left.segments, *left.unknown)))
    return {**told.body, **talk.ending()}


async def _refused(talk: Talk, asked: str, why: str) -> MCPError:
    await talk.refuse(REFUSED, "retrieval", "read", (Segment(path="/params", origin="model", stage="retrieval", text=asked),))
    return MCPError(types.INVALID_PARAMS, f"{why} (rule {REFUSED})")
