"""The servers of a policy, each with one connection for each tenant, and what they define."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import anyio
from anyio.abc import TaskGroup

from fairlead.agents import Definition, Standing, standings
from fairlead.gateway.mcp.errors import ServerFailed
from fairlead.gateway.mcp.links import Link, streams_of
from fairlead.policy import McpServerDocument, Release
from fairlead.wiring.data_plane import DataPlane

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

    async def survey(self, tenant: str, release: Release, *, fresh: bool) -> Surveyed:
        """Return what comes of every tool that the servers define and the policy lists.

        Args:
            tenant: For whom.
            release: Whose servers, tools and pins.
            fresh: Ask the servers now, whatever is known.
        """
        links = self.links(tenant, release)
        found: dict[str, tuple[Definition, ...]] = {}

        async def look(name: str, link: Link) -> None:
            try:
                found[name] = await link.definitions(fresh=fresh)
            except ServerFailed:
                return

        async with anyio.create_task_group() as group:
            for name, link in links.items():
                group.start_soon(look, name, link)
        known = [definition for name in links for definition in found.get(name, ())]
        silent = tuple(name for name in links if name not in found)
        return Surveyed(standings(known, [tool.name for tool in release.tools], release.pins), silent)
