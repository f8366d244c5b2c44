"""``POST /v1/moderations``: what the policy and its detectors say of texts, in OpenAI's shape. Nothing is sent to a model's server."""

from collections.abc import Iterable

from fairlead.core import Decision, Finding, InvalidInput
from fairlead.gateway.http import Request, Send, problem_of, respond
from fairlead.gateway.refusal import refusal
from fairlead.guard import StageOutcome, guard_request
from fairlead.policy import Release
from fairlead.wire import CATEGORIES, Moderated, Verdict, moderation_of, read_moderation
from fairlead.wiring.data_plane import DataPlane
from fairlead.wiring.exchange import Exchange, context_of


async def moderate(plane: DataPlane, request: Request, send: Send) -> None:
    """Answer one request; each text is an Exchange of its own.

    Raises:
        HttpProblem: The key may not check, the body is not of the shape, or the policy lets nothing be said of it.
    """
    key = plane.authenticate(request.token(), "check", request.source)
    try:
        extension, asked = read_moderation(request.body)
    except InvalidInput as error:
        raise problem_of(error) from error
    serving = plane.serving_for(key.tenant, key.id)
    verdicts: list[Verdict] = []
    for one in asked:
        exchange = Exchange(plane, serving, context_of(serving, key.tenant, key.id, extension))
        exchange.saw(one.segments)
        outcomes = await exchange.run_all(guard_request(exchange.context, one.segments, one.unknown))
        await exchange.commit()
        exchange.conclude()
        outcome = outcomes[-1]
        if outcome.failed or _unread(outcome):
            problem = refusal(outcome)
            problem.headers += exchange.headers()
            raise problem
        verdicts.append(_verdict(serving.release, outcome.decision, one))
    await respond(send, 200, moderation_of(verdicts), [])


def _unread(outcome: StageOutcome) -> bool:
    """Tell whether a request was stopped before any detector looked at it: by a lever, a limit, or for what is unknown in it."""
    return outcome.stopped and not any(entry.status == "ran" for entry in outcome.decision.coverage)


def _verdict(release: Release, decision: Decision, asked: Moderated) -> Verdict:
    scores: dict[str, float] = {}
    for finding in decision.findings:
        scores[finding.hazard] = max(finding.score, scores.get(finding.hazard, 0.0))
    return Verdict(
        exchange=decision.exchange,
        verdict=decision.verdict,
        rule=decision.rule,
        scores=scores,
        held=frozenset(name for name, hazards in CATEGORIES.items() if _holds(release, decision.findings, hazards)),
        flagged=decision.action != "allow",
        covered=_covered(release, decision),
        unseen=tuple(segment.path for segment in asked.unknown),
    )


def _holds(release: Release, findings: Iterable[Finding], hazards: tuple[str, ...]) -> bool:
    """Tell whether a rule that is in force holds for what was found of some hazards."""
    ruling = release.decide("input", [finding for finding in findings if finding.hazard in hazards])
    return ruling.verdict != "allow" and "shadow" not in (ruling.mode, release.policy.mode)


def _covered(release: Release, decision: Decision) -> frozenset[str]:
    """Return the hazards of the detectors that ran to their end on every text."""
    finds = {detector.id: detector.hazards for detector in release.detectors_at("input")}
    finds.update((dear.id, dear.asks.hazards) for dear in release.dear_at("input"))
    failed = {name for entry in decision.coverage if entry.status != "ran" for name in entry.detectors}
    ran = {name for entry in decision.coverage if entry.status == "ran" for name in entry.detectors} - failed
    return frozenset(hazard for name in ran for hazard in finds.get(name, ()))
