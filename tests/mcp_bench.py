"""The MCP gateway with scripted servers behind it, and the real client of the protocol's library in front."""

import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import anyio
import pytest
from mcp import Client

from fairlead.agents import Definition
from fairlead.config import load_settings
from fairlead.core import Decision, decode
from fairlead.detectors import Registry
from fairlead.gateway.mcp import Caller, Review, build_door, review
from fairlead.journal import journals, read
from fairlead.policy import PINS_FILE, Pins, write_pins
from fairlead.wiring.data_plane import DataPlane, build_data_plane
from fairlead.wiring.policy_files import PolicyFiles

T = TypeVar("T")
SCRIPT = Path(__file__).with_name("mcp_scripted.py")
POLICY = """\
fairlead: 1
system: notes
owner: tests
tier: high
rules:
  - {id: no-injection, at: [tool_definition, tool_result, retrieval], hazard: prompt_injection, max_fpr: 1%, do: block}
  - {id: no-secrets, at: [tool_result, retrieval], entity: secret, do: redact}
tools:
  - {tool: read_note, allow: true}
  - {tool: send_note, allow: true, critical: [to], else: require_approval, budget: {calls: 3}}
  - {tool: delete_note, allow: true, critical: [name]}
mcp:
  servers:
"""
READ = {"name": "read_note", "description": "Return a note.", "inputSchema": {"type": "object", "properties": {"name": {"type": "string"}}}}
SEND = {
    "name": "send_note",
    "description": "Send a note to somebody.",
    "inputSchema": {"type": "object", "properties": {"to": {"type": "string"}, "body": {"type": "string"}}},
}
DELETE = {"name": "delete_note", "description": "Delete a note.", "inputSchema": {"type": "object"}}
USER = {"path": "/messages/0/content", "origin": "user", "stage": "input"}


def text(said: str) -> dict[str, Any]:
    """A result that is one text."""
    return {"content": [{"type": "text", "text": said}]}


NOTES: dict[str, Any] = {
    "tools": [READ, SEND, DELETE],
    "answers": {"read_note": text("note: lunch at noon"), "send_note": text("sent"), "delete_note": text("deleted")},
}


def saw(*said: str, **more: Any) -> dict[str, Any]:
    """The ``_meta`` of a call whose user said this."""
    return {"fairlead": {"seen": [{**USER, "text": one} for one in said], **more}}


class McpBench:
    """What a test of the MCP gateway works with.

    Args:
        stack: Ends everything when the test ends.
        folder: For everything that is written.
    """

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self.folder = folder
        self.settings = load_settings({"FAIRLEAD_DATA": str(folder / "data"), "FAIRLEAD_CONFIG": str(folder / "config")})
        self.policy_file = folder / "fairlead.yaml"
        self.plane: DataPlane

    def script(self, server: str, scenario: dict[str, Any]) -> None:
        """Say what a server says from now on."""
        (self.folder / f"{server}.json").write_text(json.dumps(scenario), encoding="utf-8")

    def start(
        self, servers: dict[str, dict[str, Any]], *, policy: str = POLICY, pins: bool = True, more: str = "", options: str = ""
    ) -> None:
        """Write the policy with these servers and the pins of what they define, and build the gateway."""
        lines = []
        for name, scenario in servers.items():
            self.script(name, scenario)
            command = json.dumps([sys.executable, str(SCRIPT), str(self.folder / f"{name}.json")])
            lines.append(f"    {name}: {{command: {command}, timeout_ms: 5000{options}}}")
        self.policy_file.write_text(policy + "\n".join(lines) + f"\n{more}", encoding="utf-8")
        if pins:
            found = [Definition(server=name, name=tool["name"], body=tool) for name in servers for tool in servers[name]["tools"]]
            self.write_pins(Pins(servers={name: {one.name: one.digest for one in found if one.server == name} for name in servers}))
        self.plane = build_data_plane(self.settings, self.policy_file, "mcp-test")
        self._stack.callback(self.plane.close)

    def pin(self) -> Review:
        """Ask the servers what they define now, and pin it."""
        release = PolicyFiles(self.policy_file, self.settings.config_dir).compile(Registry.load())
        found = review(release, lambda _: "s3cret")
        self.write_pins(found.pins(release.pins))
        return found

    def write_pins(self, pins: Pins) -> None:
        """Replace the file of pins."""
        self.policy_file.with_name(PINS_FILE).write_text(write_pins(pins), encoding="utf-8")

    def talk(self, conversation: Callable[[Client], Awaitable[T]], *, mode: Any = "legacy", name: str = "local", **options: Any) -> T:
        """Hold a conversation of a client with the gateway, over one connection."""

        async def held() -> T:
            server, _ = build_door(self.plane, Caller(tenant="t1", name=name, trajectory="t_conversation"))
            async with Client(server, mode=mode, **options) as client:
                return await conversation(client)

        return anyio.run(held)

    def call(self, tool: str, arguments: dict[str, Any], meta: Any = None, **options: Any) -> Any:
        """Make one call over a connection of its own."""
        return self.talk(lambda client: client.call_tool(tool, arguments, meta=meta), **options)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is true that another process makes so."""
        with anyio.fail_after(20):
            while not condition():  # noqa: ASYNC110 - nobody tells when another process has written
                await anyio.sleep(0.01)

    def heard(self, server: str, method: str) -> list[Any]:
        """What a server heard of one method: the parameters."""
        path = self.folder / f"{server}.json.heard"
        messages = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
        return [message.get("params") for message in messages if message.get("method") == method]

    def decisions(self) -> list[Decision]:
        """Every Decision in the journals."""
        entries = [entry for path in journals(self.settings.data_dir / "journal") for entry in read(path, 0, 100_000)]
        return [decode(entry.record.body, Decision) for entry in entries if entry.record.kind == "decision"]

    def rules(self) -> list[str]:
        """The rules of all Decisions that stopped something."""
        return [decision.rule for decision in self.decisions() if decision.action in ("block", "require_approval")]


@pytest.fixture
def mcp_bench(tmp_path: Path) -> Iterator[McpBench]:
    """An MCP gateway that a test starts itself."""
    with ExitStack() as stack:
        yield McpBench(stack, tmp_path)
