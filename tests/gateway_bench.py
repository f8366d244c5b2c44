"""A real gateway in a thread, in front of a scripted model, with a policy that a test writes."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import openai
import pytest

from fairlead.config import Settings, load_settings
from fairlead.core import Decision, decode
from fairlead.gateway import Gateway, PatientProtocol
from fairlead.identity import ApiKey, publish_keys
from fairlead.journal import read
from fairlead.testing import ScriptedModel, serving
from fairlead.wiring.data_plane import DataPlane, build_data_plane

POLICY = """\
fairlead: 1
system: test-system
owner: tests
tier: high
capture: none
audit: strict
unknown: block
upstream: {default: {provider: openai, base_url: "UPSTREAM"}}
rules:
  - {id: no-cards-out, at: output, entity: payment_card, do: redact}
  - {id: no-mail-out, at: output, entity: email, do: redact}
  - {id: no-secrets, at: [input, output, tool_call], entity: secret, do: block}
tools:
  - {tool: search_docs, allow: true, outputs: untrusted}
  - {tool: send_email, when: {to: {domain_in: [example.com]}}, else: require_approval}
"""


class Bench:
    """What a gateway test works with."""

    def __init__(self, stack: ExitStack, settings: Settings, folder: Path) -> None:
        self._stack = stack
        self._settings = settings
        self._folder = folder
        self.model = ScriptedModel()
        self.upstream = stack.enter_context(serving(self.model))
        self.token = ""
        self.plane: DataPlane | None = None
        self.url = ""

    @property
    def policy_file(self) -> Path:
        return self._folder / "fairlead.yaml"

    @property
    def levers_file(self) -> Path:
        return self._settings.data_dir / "levers.json"

    def write_policy(self, text: str) -> None:
        self.policy_file.write_text(text.replace("UPSTREAM", self.upstream))

    def start(self, policy: str = POLICY) -> "Bench":
        self.write_policy(policy)
        key, self.token = ApiKey.issue(tenant="t1", name="tests", scopes=("chat", "check"))
        publish_keys(self._settings.data_dir / "keys.json", (key,))
        self.plane = build_data_plane(self._settings, self.policy_file, "worker-0")
        self._stack.callback(self.plane.close)
        self._gateway = self._stack.enter_context(ExitStack())
        self.url = self._gateway.enter_context(serving(Gateway(self.plane), lifespan=True, http=PatientProtocol))
        return self

    def stop(self) -> None:
        """Stop the gateway when its requests have ended; its journal stays readable."""
        self._gateway.close()

    def client(self, token: str | None = None) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=token or self.token, max_retries=0)

    @property
    def journal_file(self) -> Path:
        return self._settings.data_dir / "journal" / "worker-0.db"

    def decisions(self) -> list[Decision]:
        entries = read(self.journal_file, 0, 10_000)
        return [decode(entry.record.body, Decision) for entry in entries if entry.record.kind == "decision"]

    def journal_bytes(self) -> bytes:
        return b"".join(path.read_bytes() for path in (self._settings.data_dir / "journal").iterdir())


@contextmanager
def bench_in(folder: Path, **environment: str) -> Iterator[Bench]:
    """Set a bench up in a folder, with these settings besides; everything has ended when the block is left."""
    settings = load_settings({"FAIRLEAD_DATA": str(folder / "data"), "FAIRLEAD_CONFIG": str(folder / "config"), **environment})
    with ExitStack() as stack:
        yield Bench(stack, settings, folder)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with bench_in(tmp_path) as bench:
        yield bench


@pytest.fixture
def call() -> Callable[..., dict[str, object]]:
    """A tool call as the wire gives it."""

    def make(tool: str, arguments: object, identity: str = "call_1") -> dict[str, object]:
        raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
        return {"id": identity, "type": "function", "function": {"name": tool, "arguments": raw}}

    return make
