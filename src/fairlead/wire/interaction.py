"""One Interaction as the wire gave it, whatever its API: a request and its reply, taken apart into Segments and tool calls."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

import msgspec

from fairlead.core import UNTRUSTED, InvalidInput, MediaSegment, Origin, Segment, Stage
from fairlead.wire.document import Json, encode, replace_at, value_at
from fairlead.wire.fields import ECHO, Extraction

TRAJECTORY = r"^[A-Za-z0-9_.:-]{0,128}\Z"
"""What an id of a Trajectory looks like."""

_STAGE_OF: dict[Origin, Stage] = {"retrieved": "retrieval", "tool": "tool_result", "memory": "memory", "agent": "handoff"}


class Extension(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request's own ``fairlead`` object; taken out before the upstream sees the request."""

    trajectory: Annotated[str, msgspec.Meta(pattern=TRAJECTORY)] = ""
    """``t_…`` of the agent's Trajectory. It is kept in records, so it is an id and no text."""
    user: str = ""
    """The application's own user, as it names him."""
    groups: tuple[str, ...] = ()
    """Groups of that user, for the readers of retrieved documents."""
    origins: dict[str, Origin] = {}
    """JSON pointer to a text, or to what holds it, and who really wrote it; only an untrusted origin can be declared."""
    approvals: tuple[str, ...] = ()
    """Approvals that the client presents."""
    delegation: str = ""
    """Token of delegated authority that the client presents; a secret, kept in no record."""


class CallRef(NamedTuple):
    """A tool call that a message holds."""

    path: str
    tool: str
    call: str
    arguments: str


class Interaction(NamedTuple):
    """One request, taken apart."""

    body: dict[str, Json]
    """Decoded, without the extension; changed in place by :func:`put_text`."""
    extension: Extension
    segments: tuple[Segment, ...]
    unknown: tuple[Segment, ...]
    """Images and recordings among them: whether anybody reads them is for the policy to say."""
    model: str
    stream: bool
    wanted: int = 1
    """How many choices the client asked for."""


class Reply(NamedTuple):
    """One response, taken apart."""

    body: dict[str, Json]
    segments: tuple[Segment, ...]
    """Output texts; tool-call arguments are in :attr:`calls`."""
    unknown: tuple[Segment, ...]
    calls: tuple[CallRef, ...] = ()
    echoes: tuple[str, ...] = ()
    """Pointers to what tells a text again, such as log probabilities."""
    choices: int = 1
    signatures: tuple[str, ...] = ()
    """Pointers to what signs the fields beside it."""


def interaction_of(body: dict[str, Json], extension: Extension, out: Extraction, *, wanted: int = 1) -> Interaction:
    """Return a request whose texts were collected.

    Raises:
        InvalidInput: An origin is declared for nothing.
    """
    declared = _declared(out.segments, extension.origins)
    segments = tuple(segment for segment in declared if not isinstance(segment, MediaSegment))
    unread = tuple(segment for segment in declared if isinstance(segment, MediaSegment))
    unknown = (*_declared(out.unknown, extension.origins), *unread)
    _require_meant(extension.origins, (*segments, *unknown))
    model = body.get("model")
    return Interaction(
        body=body,
        extension=extension,
        segments=segments,
        unknown=unknown,
        model=model if isinstance(model, str) else "",
        stream=body.get("stream") is True,
        wanted=wanted,
    )


def reply_of(body: dict[str, Json], out: Extraction, calls: tuple[CallRef, ...] = (), choices: int = 1) -> Reply:
    """Return a response whose texts were collected."""
    texts = tuple(segment for segment in out.segments if segment.stage != "tool_call")
    return Reply(
        body=body,
        segments=texts,
        unknown=tuple(out.unknown),
        calls=calls,
        echoes=tuple(out.echoes),
        choices=choices,
        signatures=tuple(out.signatures),
    )


def take_extension(body: dict[str, Json]) -> Extension:
    """Take the ``fairlead`` object out of a request.

    Raises:
        InvalidInput: It is not of its shape, or raises trust.
    """
    value = body.pop("fairlead", None)
    if value is None:
        return Extension()
    try:
        extension = msgspec.convert(value, Extension)
    except msgspec.ValidationError as error:
        mend = "see 'What a client sees' in the docs"
        raise InvalidInput("the fairlead extension is not of its shape", where="/fairlead", mend=mend) from error
    trusted = [path for path, origin in extension.origins.items() if origin not in UNTRUSTED]
    if trusted:
        mend = f"declare one of {', '.join(sorted(UNTRUSTED))}, or leave it out"
        raise InvalidInput("an origin can only lower trust", where="/fairlead/origins", mend=mend)
    return extension


def name_results(out: Extraction, start: int, tool: str, call: str, retrieval_tools: frozenset[str]) -> None:
    """Say of the Segments from a place on that they are the result of a tool's call.

    Args:
        out: Where they were collected.
        start: The first of them.
        tool: Name of the tool; empty when the call is not in the request.
        call: The wire's id of the call.
        retrieval_tools: Tools whose results are retrieved documents.
    """
    retrieved = tool in retrieval_tools
    out.segments[start:] = [
        msgspec.structs.replace(
            segment,
            tool=tool,
            call=call,
            stage="retrieval" if retrieved else "tool_result",
            origin="retrieved" if retrieved else "tool",
        )
        for segment in out.segments[start:]
    ]


def as_input(out: Extraction, start: int) -> None:
    """Say of the Segments from a place on that they are input.

    The history of calls was decided when it was made; in a request it is input that a client could have forged.
    """
    out.segments[start:] = [msgspec.structs.replace(segment, stage="input") for segment in out.segments[start:]]


def apply_edits(body: dict[str, Json], texts: Mapping[str, str], echoes: tuple[str, ...] = (), signatures: tuple[str, ...] = ()) -> None:
    """Put guarded texts where they were read from; what told an edited text again goes, and what signed it is emptied.

    Args:
        body: Changed in place.
        texts: Path of each edited text, and what stands there now.
        echoes: Pointers to what tells texts again.
        signatures: Pointers to what signs the fields beside it.
    """
    for path, text in texts.items():
        if ECHO not in path:
            replace_at(body, path, text)
    for echo in echoes:
        owner = echo.partition("/logprobs")[0]
        if any(path.startswith(f"{owner}/") for path in texts):
            replace_at(body, echo, None)
    for signature in signatures:
        if any(path.startswith(f"{signature.rpartition('/')[0]}/") for path in texts):
            replace_at(body, signature, "")


def put_arguments(document: Json, ref: CallRef, text: str) -> None:
    """Put the arguments of a tool call where they were read from: a text, a value, or several fields of an item.

    Args:
        document: Changed in place.
        ref: The call as it was read; its path is one in the document.
        text: Arguments of the same form.
    """
    found = value_at(document, ref.path)
    if found == ref.arguments:
        replace_at(document, ref.path, text)
    elif encode(found).decode() == ref.arguments:
        replace_at(document, ref.path, msgspec.json.decode(text))
    else:
        for field, value in msgspec.json.decode(text, type=dict[str, object]).items():
            replace_at(document, f"{ref.path.rpartition('/')[0]}/{field}", value)  # type: ignore[arg-type] # decoded JSON


def _declared(segments: list[Segment], origins: dict[str, Origin]) -> tuple[Segment, ...]:
    if not origins:
        return tuple(segments)
    out: list[Segment] = []
    for segment in segments:
        above = max((path for path in origins if _holds(path, segment.path)), key=len, default=None)
        origin = None if above is None else origins[above]
        out.append(segment if origin is None else msgspec.structs.replace(segment, origin=origin, stage=_STAGE_OF[origin]))
    return tuple(out)


def _holds(above: str, path: str) -> bool:
    return path == above or path.startswith(f"{above}/")


def _require_meant(origins: dict[str, Origin], segments: tuple[Segment, ...]) -> None:
    """Refuse an origin that is declared for nothing: a pointer with a slip in it would leave a text trusted."""
    if any(not any(_holds(path, segment.path) for segment in segments) for path in origins):
        mend = "declare it for a text that the request holds, such as /messages/1/content"
        raise InvalidInput("an origin is declared where no text is", where="/fairlead/origins", mend=mend)
