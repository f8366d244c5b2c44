"""What the tests of shadows and canaries share."""

from pathlib import Path
from typing import Any

from gateway_bench import POLICY

from fairlead.wiring.control_plane import build_control_plane
from fairlead.wiring.trial_desk import TrialDesk

CARD = "4111 1111 1111 1111"
STRICTER = POLICY.replace("entity: payment_card, do: redact", "entity: payment_card, do: block")
WHOLE = {"choices": [{"index": 0, "message": {"role": "assistant", "content": f"card {CARD}"}, "finish_reason": "stop"}]}


def desk_of(door: Any) -> TrialDesk:
    return TrialDesk(build_control_plane(door.settings, door.policy_file), door.policy_file)


def candidate(door: Any, text: str) -> Path:
    path: Path = door.folder / "candidate.yaml"
    path.write_text(text.replace("UPSTREAM", "http://127.0.0.1:9"))
    return path
