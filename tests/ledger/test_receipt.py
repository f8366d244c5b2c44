"""Coverage receipts: what was looked at in one Exchange, signed, and refused when anything of it was changed."""

import copy
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner, Result
from gateway_bench import POLICY
from gateway_door import Door

from fairlead.cli.receipt import receipt
from fairlead.core import FairleadError, InvalidInput, NotFound
from fairlead.ledger import (
    BundleExists,
    RecordMismatch,
    SignatureInvalid,
    TrustRoot,
    ephemeral_key,
    make_trust_root,
    read_receipt,
    receipt_of,
    save_trust_root,
    sign_receipt,
)
from fairlead.wiring.control_plane import ControlPlane, build_control_plane

CARD, SECRET = "4111 1111 1111 1111", "AKIA" + "IOSFODNN7EXAMPLQ"
REPLY = {"id": "r", "choices": [{"index": 0, "message": {"role": "assistant", "content": f"card {CARD}"}, "finish_reason": "stop"}]}
RULES = POLICY.replace("rules:\n", "rules:\n  - {id: grounded, at: output, hazard: ungrounded, threshold: 0.6, do: flag}\n")


class Desk(NamedTuple):
    """Exchanges that were guarded, and the control plane over their journals."""

    plane: ControlPlane
    trust: TrustRoot
    exchanges: tuple[str, ...]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with ExitStack() as stack:
        door = Door(stack, tmp_path_factory.mktemp("door")).start(RULES)
        answers = [door.whole(REPLY), door.ask({"model": "m", "messages": [{"role": "user", "content": SECRET}]})]
        plane = build_control_plane(door.settings)
        trust = make_trust_root(plane.ledger.origin("t1"), plane.ledger.key)
        yield Desk(plane, trust, tuple(answer.headers["x-fairlead-exchange"] for answer in answers))
        plane.store.close()


def test_a_receipt_says_what_looked_at_what_and_why_not(desk: Desk) -> None:
    data = desk.plane.receipt("t1", desk.exchanges[0])
    found = read_receipt(data, desk.trust)
    assert (found.exchange, found.tenant, found.system) == (desk.exchanges[0], "t1", "test-system")
    assert [(looked.stage, looked.action) for looked in found.decisions] == [("input", "allow"), ("output", "redact")]
    asked, answered = found.decisions[0].coverage, found.decisions[1].coverage
    assert (asked[0].path, asked[0].chars, asked[0].status) == ("/messages/0/content", 5, "ran")
    assert [(entry.path, entry.status) for entry in answered] == [("/choices/0/message/content", status) for status in ("ran", "skipped")]
    assert all("@" in name for entry in (*asked, *answered) for name in entry.detectors)
    assert [entry.reason for entry in found.gaps] == ["not applicable: the Exchange holds no source to compare the text with"]
    assert found.whole
    assert CARD.encode() not in data


def test_another_tenant_gets_no_receipt(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.plane.receipt("t2", desk.exchanges[0])
    with pytest.raises(NotFound):
        desk.plane.receipt("t1", "x_nothing")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def tampered(file: Any, place: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(file)
    here = changed
    for key in place[:-1]:
        here = here[key]
    value = here[place[-1]]
    if isinstance(value, str):
        # A letter in the middle: the last one of base64 may hold bits that say nothing.
        half = len(value) // 2
        here[place[-1]] = value[:half] + ("b" if value[half : half + 1] == "a" else "a") + value[half + 1 :]
    elif isinstance(value, int):
        here[place[-1]] = value + 1
    else:
        here[place[-1]] = type(value)()
    return changed


def test_a_receipt_of_which_anything_was_changed_is_refused(desk: Desk) -> None:
    file = json.loads(desk.plane.receipt("t1", desk.exchanges[0]))
    read_receipt(json.dumps(file).encode(), desk.trust)
    checked = 0
    for place in places(file):
        with pytest.raises(FairleadError):
            read_receipt(json.dumps(tampered(file, place)).encode(), desk.trust)
        checked += 1
    assert checked > 40


@pytest.mark.parametrize("name", ["path", "reason", "extra"])
def test_what_was_left_out_or_added_is_refused(desk: Desk, name: str) -> None:
    file = json.loads(desk.plane.receipt("t1", desk.exchanges[0]))
    entry = file["receipt"]["decisions"][1]["coverage"]
    if name == "path":
        del entry[1]
    elif name == "reason":
        del entry[1]["reason"]
    else:
        entry[0]["extra"] = "x"
    with pytest.raises((RecordMismatch, InvalidInput)):
        read_receipt(json.dumps(file).encode(), desk.trust)


def test_only_the_keys_and_the_log_of_the_trust_root_count(desk: Desk) -> None:
    data = desk.plane.receipt("t1", desk.exchanges[0])
    with pytest.raises(SignatureInvalid):
        read_receipt(data, make_trust_root(desk.trust.origin, ephemeral_key()))
    with pytest.raises(RecordMismatch, match="another log"):
        read_receipt(data, make_trust_root("fairlead/t2", desk.plane.ledger.key))


def test_the_envelope_of_another_receipt_is_refused(desk: Desk) -> None:
    first, second = (json.loads(desk.plane.receipt("t1", exchange)) for exchange in desk.exchanges)
    first["attestation"] = second["attestation"]
    with pytest.raises(RecordMismatch):
        read_receipt(json.dumps(first).encode(), desk.trust)


def test_a_receipt_is_about_one_exchange(desk: Desk) -> None:
    with pytest.raises(RecordMismatch):
        receipt_of((), "fairlead/t1")
    found = read_receipt(desk.plane.receipt("t1", desk.exchanges[1]), desk.trust)
    again = read_receipt(sign_receipt(found, desk.plane.ledger.key, 1), desk.trust)
    assert again == found
    assert [looked.action for looked in found.decisions] == ["block"]


def run(*arguments: str, plane: ControlPlane | None = None) -> Result:
    return CliRunner().invoke(receipt, arguments, obj=plane, standalone_mode=False, catch_exceptions=False)


def test_the_commands_make_and_check_one(desk: Desk, tmp_path: Path) -> None:
    file, trust = tmp_path / "out" / "receipt.json", tmp_path / "trust.json"
    save_trust_root(trust, desk.trust)
    made = run("make", desk.exchanges[0], str(file), "--tenant", "t1", plane=desk.plane)
    assert str(file) in made.output
    checked = run("verify", str(file), "--trust-root", str(trust))
    assert "VERIFIED: signed for fairlead/t1" in checked.output
    assert "/choices/0/message/content" in checked.output
    told = json.loads(run("verify", str(file), "--trust-root", str(trust), "--json").output)
    assert (told["whole"], told["receipt"]["exchange"]) == (True, desk.exchanges[0])
    with pytest.raises(BundleExists):
        run("make", desk.exchanges[0], str(file), "--tenant", "t1", plane=desk.plane)
    file.write_text(file.read_text().replace('"allow"', '"block"'))
    with pytest.raises(RecordMismatch) as caught:
        run("verify", str(file), "--trust-root", str(trust))
    assert caught.value.exit_code == 20
