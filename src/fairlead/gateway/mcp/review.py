"""What the servers of a policy define now, for the person who pins it: nothing is journalled, since nothing reaches a model."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import anyio

from fairlead.agents import Definition, Rehearsal, Standing, standings
from fairlead.gateway.mcp.errors import ServerFailed
from fairlead.gateway.mcp.links import Link, streams_of
from fairlead.gateway.mcp.quiet import keep_quiet
from fairlead.policy import Pins, Release
from fairlead.wire import read_definition
from fairlead.wiring.secrets import Secrets, read_secret


class Reviewed(NamedTuple):
    """One definition, and what is known of it."""

    standing: Standing
    """As it would stand if it were pinned as it is."""
    pinned: str
    """``new``, ``changed`` or ``same``."""
    rules: tuple[str, ...]
    """Rules of the policy that would stop it."""


class Review(NamedTuple):
    """What the servers define."""

    definitions: tuple[Definition, ...]
    reviewed: tuple[Reviewed, ...]
    """Those whose tools the policy lists."""
    silent: tuple[str, ...]
    """Servers that did not answer."""

    def pins(self, before: Pins) -> Pins:
        """Return the pins that hold once this review is accepted; those of servers that did not answer stay as they were."""
        kept: dict[str, Mapping[str, str]] = {name: before.servers[name] for name in self.silent if name in before.servers}
        found: dict[str, dict[str, str]] = {}
        for entry in self.reviewed:
            definition = entry.standing.definition
            found.setdefault(definition.server, {})[definition.name] = definition.digest
        return Pins(servers={**kept, **found})


def review(release: Release, secrets: Secrets) -> Review:
    """Ask all servers of a Release for their tools.

    Args:
        release: Whose servers and rules.
        secrets: Values of the variables that the policy names.
    """
    keep_quiet()
    definitions, silent = anyio.run(_collect, release, secrets)
    listed = [tool.name for tool in release.tools]
    as_if: dict[str, dict[str, str]] = {}
    for definition in definitions:
        as_if.setdefault(definition.server, {})[definition.name] = definition.digest
    rehearsal = Rehearsal(release)
    reviewed: list[Reviewed] = []
    for standing in standings(definitions, listed, Pins(servers=as_if)):
        definition = standing.definition
        before = release.pins.of(definition.server, definition.name)
        pinned = "new" if not before else "same" if before == definition.digest else "changed"
        texts = [segment.text for segment in read_definition(definition.body, standing.tool).segments]
        outcomes = [rehearsal.text("tool_definition", text, "tool") for text in texts]
        rules = tuple(dict.fromkeys(outcome.decision.rule for outcome in outcomes if outcome.stopped))
        reviewed.append(Reviewed(standing, pinned, rules))
    return Review(tuple(definitions), tuple(reviewed), silent)


async def _collect(release: Release, secrets: Secrets) -> tuple[list[Definition], tuple[str, ...]]:
    found: list[Definition] = []
    silent: list[str] = []
    servers = release.policy.mcp.servers if release.policy.mcp is not None else {}

    async def refused(_method: str, _params: Mapping[str, Any]) -> None:
        return

    async with anyio.create_task_group() as tasks:
        for name, document in servers.items():
            streams = streams_of(document, lambda reference: read_secret(reference, secrets))
            link = Link(name, streams, document.timeout_ms / 1000, tasks, refused)
            try:
                found += await link.definitions(fresh=True)
            except ServerFailed:
                silent.append(name)
        tasks.cancel_scope.cancel()
    return found, tuple(silent)
