"""From an Incident to a regression case: the captured attack, cut down to what carried it, and what must never happen again."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from fairlead.core import InvalidInput, Segment, decode, derived_id
from fairlead.evals import ArgumentTest, Case, CaseOrigin, Condition, Document, Expectation, Provenance, Scalar, write_case
from fairlead.incidents.errors import CaseNotMade
from fairlead.incidents.model import Incident

_ADDRESS = re.compile(r"[^\s@<>,;\"']+@[^\s@<>,;\"']+|https?://[^\s\"'<>]+")
_LICENCE = "LicenseRef-captured"


class Captured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a gateway seals of one Exchange."""

    exchange: str
    segments: tuple[Segment, ...]


class _Carried(msgspec.Struct, frozen=True, kw_only=True):
    """The untrusted texts of an Exchange in the form in which a target can be given them again."""

    documents: tuple[Document, ...] = ()
    customers: dict[str, dict[str, Scalar]] = {}


def read_capture(content: bytes) -> Captured:
    """Decode an unsealed capture.

    Raises:
        CaseNotMade: It is not of the shape; the message holds nothing of it.
    """
    try:
        return decode(content, Captured)
    except InvalidInput:
        raise CaseNotMade("the capture is not of the shape that a gateway seals", mend="it was sealed by another version") from None


def regression_case(incident: Incident, captured: Captured) -> Case:
    """Make the case that fails when the Incident happens again.

    The untrusted texts are cut down to those that hold an address that the stopped tool call was to be sent to, when there are any.

    Args:
        incident: What happened.
        captured: The Exchange behind it.

    Returns:
        The same case whoever asks for it; who did is in the timeline.

    Raises:
        CaseNotMade: The capture has no text of a user.
    """
    said = [segment.text for segment in captured.segments if segment.origin == "user" and segment.stage == "input" and segment.text.strip()]
    if not said:
        raise CaseNotMade("the capture holds no text of a user", where=incident.id, mend="write the case by hand")
    call = _call(captured.segments, incident)
    addresses = _addresses(call.text) if call is not None else ()
    carried = [segment for segment in captured.segments if segment.stage in ("retrieval", "tool_result")]
    guilty = [segment for segment in carried if any(address in segment.text for address in addresses)] or carried
    by_user = not guilty or (bool(addresses) and any(address in said[-1] for address in addresses))
    origin: CaseOrigin = "user" if by_user else "retrieved" if any(segment.stage == "retrieval" for segment in guilty) else "tool"
    texts = _restored(guilty, addresses)
    return Case(
        id=derived_id("case", incident.id),
        kind="unsafe",
        hazard=incident.hazard or "tool_abuse",
        cluster=f"incident-{incident.id}",
        origin=origin,
        family="incident",
        title=incident.title,
        user=said[-1],
        documents=texts.documents,
        customers=texts.customers,
        expect=Expectation(never=(_never(call, incident),)),
        provenance=Provenance(source=f"incident {incident.id}", licence=_LICENCE, author="Fairlead", harm_level=2, split="regression"),
    )


def store_case(folder: Path, case: Case) -> Path:
    """Write a case where only this account can read it: its text is content.

    Args:
        folder: ``<data>/cases``; made when it isn't there.
        case: The case.

    Returns:
        The file.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = case_path(folder, case)
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(write_case(case))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return path


def case_path(folder: Path, case: Case) -> Path:
    """Return where a case is kept."""
    return folder / f"{case.id}.json"


def _call(segments: Sequence[Segment], incident: Incident) -> Segment | None:
    """Return the tool call that was stopped: the last one of the response, of the Incident's tool when the policy knows it."""
    calls = [segment for segment in segments if segment.stage == "tool_call" and incident.tool in (segment.tool, "unknown")]
    return calls[-1] if calls and incident.tool else None


def _never(call: Segment | None, incident: Incident) -> Condition:
    if not incident.tool:
        return Condition(complied=True)
    if call is None:
        return Condition(effect=incident.tool)
    tests = {name: ArgumentTest(contains=found[0]) for name, value in _arguments(call.text).items() if (found := _addresses(value))}
    return Condition(effect=call.tool, where=tests)


def _arguments(text: str) -> dict[str, str]:
    try:
        arguments = msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return {}
    return {key: value for key, value in arguments.items() if isinstance(value, str)} if isinstance(arguments, dict) else {}


def _addresses(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(match.rstrip(".)") for match in _ADDRESS.findall(text)))


def _restored(segments: Sequence[Segment], addresses: Sequence[str]) -> _Carried:
    documents: list[Document] = []
    customers: dict[str, dict[str, Scalar]] = {}
    for segment in segments:
        for entry in _entries(segment.text):
            held = entry if isinstance(entry, str) else msgspec.json.encode(entry).decode()
            if addresses and not any(address in held for address in addresses):
                continue
            name = entry.get("id") if isinstance(entry, dict) and segment.stage == "tool_result" else None
            if isinstance(entry, dict) and isinstance(name, str):
                customers[name] = {key: value for key, value in entry.items() if key != "id" and _scalar(value)}
            else:
                documents.append(_document(len(documents) + 1, entry, held))
    return _Carried(documents=tuple(documents), customers=customers)


def _document(number: int, entry: dict[str, Scalar] | str, held: str) -> Document:
    fields = {} if isinstance(entry, str) else entry
    title, text = fields.get("title"), fields.get("text")
    return Document(
        id=f"captured-{number}",
        title=title if isinstance(title, str) and title else f"captured document {number}",
        text=text if isinstance(text, str) else held,
    )


def _entries(text: str) -> Iterator[dict[str, Scalar] | str]:
    """Split what a tool returned into its entries: JSON objects, alone, in a list or under one key, or else the text itself."""
    try:
        value = msgspec.json.decode(text)
    except msgspec.MsgspecError:
        yield text
        return
    if isinstance(value, dict) and len(value) == 1:
        value = next(iter(value.values()))
    entries = value if isinstance(value, list) else [value]
    if all(isinstance(entry, dict) for entry in entries):
        yield from entries
    else:
        yield text


def _scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)
