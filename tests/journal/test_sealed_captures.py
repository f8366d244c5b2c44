"""What is kept of content: fingerprints that tell nothing, captures that only some may read and that can be shredded."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from fairlead.core import IntegrityError, canonical_bytes, decode
from fairlead.journal import (
    Access,
    AuditEntry,
    CaptureRefused,
    CaptureShredded,
    CaptureTampered,
    Fingerprinter,
    JournalUnavailable,
    KeyFileUnsafe,
    Record,
    Sealed,
    Sealer,
    installation_key,
)
from fairlead.testing import FixedClock

CONTENT = b"the canary of this test 4111 1111 1111 1111"
PROGRAM = Access(actor="incident.to-case", reason="inc_1", purpose="program")


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    return Sealer.open(tmp_path)


def _unseal(sealer: Sealer, body: bytes, tenant: str = "t1", access: Access = PROGRAM, audit: Callable = lambda _: None) -> bytes:
    return sealer.unseal(body, tenant, access=access, audit=audit, clock=FixedClock())


def test_a_capture_tells_nothing_until_it_is_unsealed_with_a_trace(sealer: Sealer, tmp_path: Path) -> None:
    body = sealer.seal("cap_1", "t1", CONTENT)
    trail: list[Record] = []
    assert _unseal(sealer, body, audit=trail.extend) == CONTENT
    entry = decode(trail[0].body, AuditEntry)
    assert (entry.actor, entry.action, entry.target, entry.tenant) == ("incident.to-case", "capture.unseal", "cap_1", "t1")
    kept = body + b"".join(file.read_bytes() for file in tmp_path.iterdir()) + trail[0].body
    assert b"canary" not in kept


def test_what_cannot_be_audited_is_not_read(sealer: Sealer) -> None:
    def refuse(_: object) -> None:
        raise JournalUnavailable("the disk is full")

    with pytest.raises(JournalUnavailable):
        _unseal(sealer, sealer.seal("cap_1", "t1", CONTENT), audit=refuse)


@pytest.mark.parametrize(
    "access",
    [
        Access(actor="", reason="inc_1", purpose="program"),
        Access(actor="acc_1", reason="", purpose="program"),
        Access(actor="acc_1", reason="inc_1", purpose="person"),
        Access(actor="acc_1", reason="inc_1", purpose="person", consent="acc_1"),
    ],
)
def test_content_needs_a_reason_and_a_person_needs_a_second_one(sealer: Sealer, access: Access) -> None:
    body = sealer.seal("cap_1", "t1", CONTENT)
    with pytest.raises(CaptureRefused):
        _unseal(sealer, body, access=access)
    assert _unseal(sealer, body, access=Access(actor="acc_1", reason="inc_1", purpose="person", consent="acc_2")) == CONTENT


def test_a_shredded_capture_cannot_be_read_from_any_copy(sealer: Sealer, tmp_path: Path) -> None:
    body, other = sealer.seal("cap_1", "t1", CONTENT), sealer.seal("cap_2", "t1", CONTENT)
    wrapped = sealer._chest.get("t1", "cap_1")
    assert wrapped is not None
    assert sealer.shred("cap_1", "t1")
    assert not sealer.shred("cap_1", "t1")
    with pytest.raises(CaptureShredded):
        _unseal(sealer, body)
    assert _unseal(sealer, other) == CONTENT
    sealer.close()
    assert all(wrapped not in file.read_bytes() for file in tmp_path.iterdir())


def test_a_capture_is_bound_to_its_tenant_and_id_and_shows_tampering(sealer: Sealer) -> None:
    body = sealer.seal("cap_1", "t1", CONTENT)
    sealer.seal("cap_1", "t2", b"another tenant's")
    with pytest.raises(CaptureRefused):
        _unseal(sealer, body, tenant="t2")
    sealed = decode(body, Sealed)
    moved = canonical_bytes(Sealed(id="cap_1", tenant="t2", nonce=sealed.nonce, ciphertext=sealed.ciphertext))
    changed = canonical_bytes(Sealed(id="cap_1", tenant="t1", nonce=sealed.nonce, ciphertext=sealed.ciphertext[:-1] + b"\x00"))
    for forged, tenant in ((moved, "t2"), (changed, "t1")):
        with pytest.raises(CaptureTampered) as found:
            _unseal(sealer, forged, tenant=tenant)
        assert isinstance(found.value, IntegrityError)


def test_another_process_opens_what_one_sealed_and_another_installation_does_not(tmp_path: Path) -> None:
    body = Sealer.open(tmp_path / "one").seal("cap_1", "t1", CONTENT)
    assert _unseal(Sealer.open(tmp_path / "one"), body) == CONTENT
    with pytest.raises(CaptureShredded):
        _unseal(Sealer.open(tmp_path / "two"), body)


def test_an_installation_key_is_made_once_and_only_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "config" / "some.key"
    key = installation_key(path)
    assert installation_key(path) == key
    assert (len(key), stat.S_IMODE(path.stat().st_mode)) == (32, 0o600)
    assert [file.name for file in path.parent.iterdir()] == ["some.key"]
    path.chmod(0o640)
    with pytest.raises(KeyFileUnsafe, match="others can read"):
        installation_key(path)
    path.write_bytes(b"short")
    path.chmod(0o600)
    with pytest.raises(KeyFileUnsafe, match="32 bytes"):
        installation_key(path)


def test_fingerprints_find_repeats_and_differ_by_installation_and_by_how_texts_are_cut(tmp_path: Path) -> None:
    one, two = Fingerprinter.open(tmp_path / "one"), Fingerprinter.open(tmp_path / "two")
    assert one(("a", "b")) == Fingerprinter.open(tmp_path / "one")(("a", "b"))
    assert one(("a", "b")) != two(("a", "b"))
    assert len({one(texts) for texts in ((), ("",), ("ab",), ("a", "b"), ("b", "a"), ("\ud800",))}) == 6
    assert one(("a",)).startswith("hmac:")
    assert len(one(("a",))) == 5 + 32
