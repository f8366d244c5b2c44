"""Images and recordings in the flow: read by whom the policy names, fail-closed, and part of what the model saw."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fairlead import Guard
from fairlead.config import load_settings
from fairlead.core import Decision, MediaSegment
from fairlead.guard import GuardUnavailable, Transcript

POLICY = """\
fairlead: 1
system: s
owner: o
tier: high
media: {audio: port}
rules:
  - {id: no-cards, at: [input, tool_result], entity: payment_card, do: redact}
"""
CARD = "4111 1111 1111 1111"
PART = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
Heard = Callable[[MediaSegment], Transcript]


class Ear:
    """Hears what a test says."""

    def __init__(self, heard: Heard) -> None:
        self.read = heard


def says(text: str, **more: Any) -> Heard:
    return lambda _: Transcript(reader="ear@1", text=text, **more)


def decisions(folder: Path, heard: Heard, *, role: str = "user", policy: str = POLICY) -> tuple[Decision, ...]:
    (folder / "fairlead.yaml").write_text(policy)
    settings = load_settings({"FAIRLEAD_DATA": str(folder / "data"), "FAIRLEAD_CONFIG": str(folder / "config")})
    with Guard.load(folder / "fairlead.yaml", settings=settings, audio=Ear(heard)) as guard:
        asked = guard.exchange({"model": "m", "messages": [{"role": role, "content": [PART]}]})
        return asked.decisions


def test_the_coverage_names_who_read(tmp_path: Path) -> None:
    (decision,) = decisions(tmp_path, says("good day"))
    (entry,) = (entry for entry in decision.coverage if entry.detectors == ("ear@1",))
    assert (entry.path, entry.status, entry.chars) == ("/messages/0/content/0/input_audio/data", "ran", 8)
    assert decision.action == "allow"


def test_what_would_be_redacted_in_a_recording_is_stopped(tmp_path: Path) -> None:
    (decision,) = decisions(tmp_path, says(f"my card is {CARD}"))
    assert (decision.verdict, decision.action, decision.rule) == ("redact", "block", "no-cards")


def test_a_recording_that_a_tool_gave_is_guarded_as_its_result(tmp_path: Path) -> None:
    (decision,) = decisions(tmp_path, says(f"my card is {CARD}"), role="tool")
    assert (decision.stage, decision.action) == ("tool_result", "block")


def failing(segment: MediaSegment) -> Transcript:
    raise OSError(f"can't hear {segment.text}")


def test_a_reader_that_raises_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(GuardUnavailable):
        decisions(tmp_path, failing)


@pytest.mark.parametrize("status", ["errored", "timed_out", "skipped"])
def test_a_reader_that_did_not_look_is_a_failure(tmp_path: Path, status: Any) -> None:
    with pytest.raises(GuardUnavailable):
        decisions(tmp_path, says("", status=status))


def test_a_policy_that_fails_open_records_that_nobody_looked(tmp_path: Path) -> None:
    (decision,) = decisions(tmp_path, failing, policy=POLICY.replace("media", "on_error: open\nmedia"))
    assert decision.state == "bypassed"
    assert [entry.status for entry in decision.coverage if entry.path.endswith("/data")] == ["errored"]
    assert msgspec.json.encode(decision).find(b"AAAA") < 0


@pytest.mark.parametrize("unknown", ["scan", "allow"])
def test_what_nobody_reads_goes_as_unknown_says(tmp_path: Path, unknown: str) -> None:
    policy = POLICY.replace("media: {audio: port}", f"unknown: {unknown}")
    (decision,) = decisions(tmp_path, failing, policy=policy)
    assert decision.action == "allow"
    assert {entry.status for entry in decision.coverage if entry.path.endswith("/data")} == {"ran" if unknown == "scan" else "skipped"}
