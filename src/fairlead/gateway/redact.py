"""``POST /v1/redact``: the redaction service. The policy's own rules on any text or JSON, without a model."""

from typing import Annotated

import msgspec

from fairlead.core import Action, InvalidInput, Segment, Stage, State, decode
from fairlead.gateway.http import HttpProblem, Request, Send, problem_of, respond
from fairlead.gateway.refusal import refusal
from fairlead.guard import NothingToRedact, Replaced, ToRedact, guard_limits, redact_value, redacted
from fairlead.wiring.data_plane import DataPlane
from fairlead.wiring.exchange import Exchange, context_of

MOST_ITEMS = 1000
"""Items of a batch at most."""
MOST_TEXTS = 10_000
"""Texts in one request at most, keys counted."""
_ABSENT = msgspec.Raw()


class RedactBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the service takes: one of ``text``, ``json`` and ``batch``."""

    text: str | None = None
    json: msgspec.Raw = _ABSENT
    """Any JSON value."""
    batch: Annotated[tuple[msgspec.Raw, ...], msgspec.Meta(max_length=MOST_ITEMS)] | None = None
    """Several texts or JSON values, decided as one."""
    stage: Stage = "output"
    """Whose rules count."""
    keys: bool = True
    """Whether keys of JSON objects are read and replaced too."""


class RedactAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What it answers."""

    exchange: str
    decision: str
    """Id of the Decision."""
    action: Action
    """``redact`` when anything was replaced."""
    redacted: object
    """The text, the JSON value, or the list of what the batch held."""
    replaced: tuple[Replaced, ...] = ()
    state: State = "final"
    """``bypassed``: a detector failed and the policy is fail-open; what the others saw was replaced."""


async def redact(plane: DataPlane, request: Request, send: Send) -> None:
    """Answer one redaction.

    Raises:
        HttpProblem: The key may not redact or is over its limits, the body is not of the shape, or it could not be checked.
    """
    key = plane.authenticate(request.token(), "redact", request.source)
    wanted = _read(request.body)
    segments = wanted.segments()
    if len(segments) > MOST_TEXTS:
        raise HttpProblem(413, "request_too_large", f"the body holds more than {MOST_TEXTS} texts; send it in parts")
    serving = plane.serving_for(key.tenant, key.id)
    exchange = Exchange(plane, serving, context_of(serving, key.tenant, key.id))
    try:
        answer = await _answer(exchange, wanted, segments)
    except HttpProblem as problem:
        problem.headers += exchange.headers()
        raise
    except NothingToRedact as error:
        raise problem_of(error) from error
    await respond(send, 200, msgspec.json.encode(answer), exchange.headers())


async def _answer(exchange: Exchange, wanted: ToRedact, segments: tuple[Segment, ...]) -> RedactAnswer:
    exchange.saw(segments)
    limited = await exchange.run_all(guard_limits(exchange.context, segments))
    outcome = next((one for one in limited if one.stopped), None)
    if outcome is None:
        (outcome,) = await exchange.run_all(redact_value(exchange.context, wanted, segments))
    await exchange.commit()
    exchange.conclude()
    if outcome.stopped or outcome.failed:
        raise refusal(outcome)
    value, replaced = redacted(exchange.context.release, wanted, outcome)
    decision = outcome.decision
    return RedactAnswer(
        exchange=decision.exchange,
        decision=decision.id,
        action=decision.action,
        redacted=value,
        replaced=replaced,
        state=decision.state,
    )


def _read(data: bytes) -> ToRedact:
    try:
        body = decode(data, RedactBody, where="body")
        given: list[tuple[str, object]] = []
        if body.text is not None:
            given.append(("/text", body.text))
        if body.json != _ABSENT:
            given.append(("/json", msgspec.json.decode(body.json)))
        if body.batch is not None:
            given.append(("/batch", [msgspec.json.decode(item) for item in body.batch]))
        ((path, value),) = given
    except (InvalidInput, ValueError, msgspec.MsgspecError) as error:
        # The decoder's message quotes the value that it did not expect.
        raise HttpProblem(400, "invalid_input", "send one of text, json and batch; see the redaction service in the docs") from error
    return ToRedact(value=value, path=path, stage=body.stage, keys=body.keys)
