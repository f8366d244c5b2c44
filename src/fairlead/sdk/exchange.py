"""A whole Exchange in a program: a request and its reply in an API's own shape, guarded as the gateway would."""

from collections.abc import Mapping
from typing import Any

import msgspec

from fairlead.core import Decision, InvalidInput
from fairlead.guard import Flow, StageOutcome, guard_reply, guard_request, segment_of, settled
from fairlead.sdk.stream import GuardedStream
from fairlead.sdk.turn import Turn, stopped
from fairlead.wire import APIS, Api, Interaction, Made, Reply, apply_edits
from fairlead.wiring.data_plane import DataPlane

Body = Mapping[str, Any] | bytes | str
"""JSON of a request or reply: decoded, or as it came over the wire."""


class GuardedReply(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a reply."""

    decisions: tuple[Decision, ...]
    """Of its texts, then of each tool call in it."""
    body: dict[str, Any] | None
    """What the client may get: the reply as the policy leaves it, stopped tool calls taken out. Of a stopped reply a body of its shape
    that says what the policy says; None where the API has no place for that."""
    say: str = ""
    """What to tell the user instead, if the policy says."""

    @property
    def allowed(self) -> bool:
        """True when the texts may go on (perhaps edited); tool calls that may not be made are not in :attr:`body`."""
        return self.decisions[0].action not in ("block", "require_approval")


class GuardedExchange:
    """A request that was guarded, and who guards its reply. Made by ``Guard.exchange``."""

    def __init__(self, plane: DataPlane, tenant: str, request: Body, api: str) -> None:
        self._api = _api(api)
        self._asked: Interaction = self._api.read_request(_bytes(request), plane.serving.retrieval_tools)
        self._turn = Turn(plane, tenant, self._asked.extension, api=self._api.name, model=self._asked.model)
        self._turn.exchange.saw(self._asked.segments)
        self.id = self._turn.exchange.context.exchange
        """Id of the Exchange, ``x_…``."""
        self.decisions: tuple[Decision, ...] = ()
        """One for each Stage of the request; the last one is what stopped it, if it is stopped."""
        self.body: dict[str, Any] | None = None
        """What may go to the model, edited; None when the request is stopped."""
        self.answer: dict[str, Any] | None = None
        """Of a stopped request: what to answer in the API's shape, if the policy says something."""
        self.say = ""
        """What to tell the user instead, if the policy says."""
        self.route = ""
        """The policy's upstream that the request should go to instead of the default one; empty when no rule routes it."""

    @property
    def allowed(self) -> bool:
        """True when the request may go to the model (perhaps edited)."""
        return self.body is not None

    def reply(self, body: Body) -> GuardedReply:
        """Guard what the model answered.

        Args:
            body: The reply; not a stream, see :meth:`stream`.

        Raises:
            InvalidInput: It is not of the API's shape.
            GuardUnavailable: The guard failed and the policy is fail-closed.
        """
        reply = self._read(body)
        return self._replied(reply, self._turn.run(self._deciding(reply)))

    async def areply(self, body: Body) -> GuardedReply:
        """Like :meth:`reply`, on an event loop."""
        reply = self._read(body)
        return self._replied(reply, await self._turn.arun(self._deciding(reply)))

    def stream(self) -> GuardedStream:
        """Return a guard for the text of an answer that comes in pieces."""
        return GuardedStream(self._turn)

    def ask(self) -> "GuardedExchange":
        """Decide about the request; ``Guard.exchange`` has done it."""
        return self._decided(self._turn.run(self._asking()))

    async def aask(self) -> "GuardedExchange":
        """Like :meth:`ask`, on an event loop."""
        return self._decided(await self._turn.arun(self._asking()))

    def _asking(self) -> Flow[list[StageOutcome]]:
        return guard_request(self._turn.exchange.context, self._asked.segments, self._asked.unknown)

    def _decided(self, outcomes: list[StageOutcome]) -> "GuardedExchange":
        self.decisions = tuple(outcome.decision for outcome in outcomes)
        stopping = stopped(outcomes)
        if stopping is None:
            for outcome in outcomes:
                apply_edits(self._asked.body, outcome.texts)
            self.body = self._asked.body
            self.route = next((outcome.route for outcome in outcomes if outcome.route), "")
        else:
            self.say = stopping.say
            self.answer = _decoded(self._api.whole(self._made, self.say)) if self.say else None
        return self

    def _read(self, body: Body) -> Reply:
        reply = self._api.read_reply(_bytes(body))
        self._turn.exchange.saw((*reply.segments, *map(segment_of, reply.calls)))
        return reply

    def _deciding(self, reply: Reply) -> Flow[list[StageOutcome]]:
        return guard_reply(self._turn.exchange.context, reply, self._asked.segments)

    def _replied(self, reply: Reply, outcomes: list[StageOutcome]) -> GuardedReply:
        body = settled(self._api, self._made, reply, outcomes)
        return GuardedReply(decisions=tuple(outcome.decision for outcome in outcomes), body=_decoded(body), say=outcomes[0].say)

    @property
    def _made(self) -> Made:
        return Made(self.id, self._asked.model)


def _api(name: str) -> Api:
    api = APIS.get(name)
    if api is None:
        raise InvalidInput(f"there is no API {name!r}", where="api", mend=f"use one of {', '.join(APIS)}")
    return api


def _bytes(body: Body) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else msgspec.json.encode(body)


def _decoded(body: bytes) -> dict[str, Any] | None:
    return msgspec.json.decode(body, type=dict[str, Any]) if body else None
