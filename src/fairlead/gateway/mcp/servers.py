"""The servers of a policy, each with one connection for each tenant, and what they define."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import anyio
from anyio.abc import TaskGroup

from fairlead.agents import BETWEEN, Definition, Standing, standings
from fairlead.gateway.mcp.errors import ServerFailed
from fairlead.gateway.mcp.links import Link, streams_of
from fairlead.policy import McpServerDocument, Pins, Release
from fairlead.wiring.data_plane import DataPlane

LISTING_S = 10.0
"""How long a listing waits for one server, whatever its own time to answer: the tools of the others must not wait for it."""
Refused = Callable[[str, str, str, Mapping[str, Any]], Awaitable[None]]
"""Told of a request that a server made: tenant, server, method and parameters."""


class Surveyed(NamedTuple):
    """What the servers define now."""

    standings: tuple[Standing, ...]
    silent: tuple[str, ...]
    """Servers that gave no listing."""


class Servers:
    """Connections to the servers, opened when they are needed.

    Args:
        plane: The data plane, for secrets.
        tasks: Where connections are held.
        refused: Told of requests that servers make.
    """

    def __init__(self, plane: DataPlane, tasks: TaskGroup, refused: Refused) -> None:
        self._plane = plane
        self._tasks = tasks
        self._refused = refused
        self._links: dict[tuple[str, str], tuple[McpServerDocument, Link]] = {}

    def link(self, tenant: str, name: str, document: McpServerDocument) -> Link:
        """Return the connection of a tenant to a server; no two tenants share one, since a server may remember."""
        known = self._links.get((tenant, name))
        if known is not None and known[0] == document:
            return known[1]
        if known is not None:
            known[1].close()

        async def refused(method: str, params: Mapping[str, Any]) -> None:
            await self._refused(tenant, name, method, params)

        link = Link(name, streams_of(document, self._plane.secret), document.timeout_ms / 1000, self._tasks, refused)
        self._links[tenant, name] = (document, link)
        return link

    def links(self, tenant: str, release: Release) -> dict[str, Link]:
        """Return a tenant's connections to all servers of a Release, by name."""
        documents = release.policy.mcp.servers if release.policy.mcp is not None else {}
        return {name: self.link(tenant, name, document) for name, document in documents.items()}

    async def survey(self, tenant: str, release: Release, *, tool: str = "", fresh: bool = False) -> Surveyed:
        """Return what comes of the tools that the servers define and the policy lists.

        Args:
            tenant: For whom.
            release: Whose servers, tools and pins.
            tool: Ask only the servers of which this one is pinned, so that another one that hangs holds nothing up.
            fresh: Ask the servers now, whatever is known.
        """
        links = self.links(tenant, release)
        pins = Pins(servers={name: release.pins.servers[name] for name in links if name in release.pins.servers})
        pinning = {
            name: link for name, link in links.items() if any(tool in (one, f"{name}{BETWEEN}{one}") for one in pins.servers.get(name, ()))
        }
        links = pinning or links
        found: dict[str, tuple[Definition, ...]] = {}

        async def look(name: str, link: Link, done: anyio.Event) -> None:
            try:
                found[name] = await link.definitions(fresh=fresh)
            except ServerFailed:
                return
            finally:
                done.set()

        asked = {name: anyio.Event() for name in links}
        for name, link in links.items():
            # Not ended by a listing that no longer waits: a server that is slow to start is there for the next one.
            self._tasks.start_soon(look, name, link, asked[name])
        with anyio.move_on_after(None if tool else LISTING_S):
            for done in asked.values():
                await done.wait()
        known = [definition for name in links for definition in found.get(name, ())]
        silent = tuple(name for name in links if name not in found)
        return Surveyed(standings(known, [tool.name for tool in release.tools], pins), silent)
