"""Envelopes, statements, keys and trust roots."""

import base64
import os
import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import InvalidInput, canonical_bytes, digest_bytes
from fairlead.ledger import (
    Checkpoint,
    Predicate,
    SignatureInvalid,
    SigningKeyMissing,
    SigningKeyUnsafe,
    TrustRootInvalid,
    attest,
    ensure_key,
    ephemeral_key,
    generate_key,
    key_id,
    load_key,
    load_trust_root,
    make_trust_root,
    open_envelope,
    pae,
    parse_envelope,
    parse_trust_root,
    read_checkpoint,
    read_statement,
    save_trust_root,
    seal,
    sign_checkpoint,
)

KEY = ephemeral_key()
KEYS = {KEY.key_id: KEY.public}
RECORD = canonical_bytes({"id": "run_1", "k": 3, "n": 120})


def test_pae_is_the_published_example() -> None:
    """The example of the DSSE protocol text."""
    assert pae("http://example.com/HelloWorld", b"hello world") == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@given(st.text(max_size=8), st.binary(max_size=8), st.text(max_size=8), st.binary(max_size=8))
def test_no_two_payloads_share_an_encoding(kind: str, payload: bytes, other_kind: str, other_payload: bytes) -> None:
    same = (kind, payload) == (other_kind, other_payload)
    assert (pae(kind, payload) == pae(other_kind, other_payload)) is same


@given(st.binary(max_size=64))
def test_what_was_sealed_opens_under_a_trusted_key_only(payload: bytes) -> None:
    envelope = seal("a/b", payload, KEY)
    assert open_envelope(parse_envelope(envelope.encoded()), "a/b", KEYS) == payload
    other = ephemeral_key()
    with pytest.raises(SignatureInvalid, match="no trusted key"):
        open_envelope(envelope, "a/b", {other.key_id: other.public})
    with pytest.raises(SignatureInvalid, match="does not hold"):
        open_envelope(envelope, "a/b", {KEY.key_id: other.public})
    with pytest.raises(SignatureInvalid, match="holds a/b"):
        open_envelope(envelope, "a/c", KEYS)


def test_a_changed_payload_does_not_open() -> None:
    envelope = seal("a/b", b"PASS", KEY)
    changed = msgspec.structs.replace(envelope, payload=base64.b64encode(b"FAIL").decode())
    with pytest.raises(SignatureInvalid):
        open_envelope(changed, "a/b", KEYS)


def test_a_statement_names_its_record_by_the_hash_of_its_canonical_bytes() -> None:
    envelope = attest("run", {"run_1": RECORD}, Predicate(at_us=5, tenant="t1", system="s", outcome="PASS"), KEY)
    statement = read_statement(envelope, KEYS)
    assert statement.kind == "run"
    assert statement.predicate_type == "https://fairlead.readthedocs.io/attestation/run/v1"
    assert statement.subject[0].reference == digest_bytes(RECORD)
    shape = msgspec.json.decode(base64.b64decode(envelope.payload))
    assert shape["_type"] == "https://in-toto.io/Statement/v1"
    assert shape["subject"][0] == {"name": "run_1", "digest": {"sha256": digest_bytes(RECORD)[7:]}}
    assert msgspec.json.decode(envelope.encoded())["payloadType"] == "application/vnd.in-toto+json"


def test_a_checkpoint_is_not_taken_for_a_statement() -> None:
    head = sign_checkpoint(Checkpoint(origin="o", size=0, root="sha256:" + "0" * 64, at_us=1), KEY)
    assert read_checkpoint(head, KEYS).origin == "o"
    with pytest.raises(SignatureInvalid):
        read_statement(head, KEYS)


def test_a_signed_payload_of_another_shape_is_refused() -> None:
    with pytest.raises(InvalidInput):
        read_statement(seal("application/vnd.in-toto+json", b"{}", KEY), KEYS)


def test_a_key_is_written_for_its_owner_only_and_read_back(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    made = ensure_key(folder)
    file = folder / "ledger-signing.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_key(folder).key_id == ensure_key(folder).key_id == made.key_id == key_id(made.public)
    assert made.key_id in repr(made)
    with pytest.raises(SigningKeyUnsafe, match="already"):
        generate_key(folder)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    generate_key(tmp_path)
    (tmp_path / "ledger-signing.pem").chmod(0o640)
    with pytest.raises(SigningKeyUnsafe, match="others may read"):
        load_key(tmp_path)


@pytest.mark.parametrize("marker", ["folder", "file"])
def test_a_key_inside_a_git_work_tree_is_refused(tmp_path: Path, marker: str) -> None:
    """A linked work tree has a ``.git`` file, a plain clone a folder; a symbolic link into one is one."""
    repository = tmp_path / "repo"
    inside = repository / "deep" / "config"
    inside.mkdir(parents=True)
    if marker == "folder":
        (repository / ".git").mkdir()
    else:
        (repository / ".git").write_text("gitdir: elsewhere")
    link = tmp_path / "link"
    link.symlink_to(inside)
    for folder in (inside, repository, link):
        with pytest.raises(SigningKeyUnsafe, match="git work tree"):
            generate_key(folder)
    assert not any(name.endswith(".pem") for _, _, names in os.walk(tmp_path) for name in names)


def test_a_missing_or_foreign_key_file_is_an_error_with_a_mend(tmp_path: Path) -> None:
    with pytest.raises(SigningKeyMissing):
        load_key(tmp_path)
    path = tmp_path / "ledger-signing.pem"
    path.write_text("not a key")
    path.chmod(0o600)
    with pytest.raises(SigningKeyUnsafe, match="no readable"):
        load_key(tmp_path)


def test_a_trust_root_survives_its_file_and_remembers_heads(tmp_path: Path) -> None:
    path = tmp_path / "trust.json"
    trust = make_trust_root("log", KEY)
    head = Checkpoint(origin="log", size=3, root="sha256:" + "ab" * 32, at_us=1)
    seen = trust.pinned(head)
    assert seen.pinned(head) == seen
    save_trust_root(path, seen)
    assert load_trust_root(path) == seen
    assert seen.public_keys() == KEYS


@pytest.mark.parametrize(
    "change",
    [
        {"keys": []},
        {"keys": [{"id": "sha256:00", "algorithm": "ed25519", "public": base64.b64encode(KEY.public).decode()}]},
        {"keys": [{"id": KEY.key_id, "algorithm": "ed25519", "public": "%%"}]},
        {"keys": [{"id": KEY.key_id, "algorithm": "ed25519", "public": "AAAA"}]},
        {"pins": [{"size": 1, "root": "sha256:zz"}]},
        {"format": 2},
        {"extra": True},
    ],
)
def test_a_malformed_trust_root_is_refused(change: dict[str, object]) -> None:
    good = msgspec.to_builtins(make_trust_root("log", KEY))
    with pytest.raises(TrustRootInvalid):
        parse_trust_root(msgspec.json.encode(good | change))


def test_a_missing_trust_root_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrustRootInvalid, match=r"absent\.json"):
        load_trust_root(tmp_path / "absent.json")
