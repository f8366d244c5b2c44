"""What a client is told when the guard stops its request."""

from fairlead.gateway.http import HttpProblem
from fairlead.guard import StageOutcome


def refusal(outcome: StageOutcome) -> HttpProblem:
    """Return what a client is told when a Stage was stopped before the model was asked."""
    decision = outcome.decision
    if outcome.failed:
        return HttpProblem(503, "guard_unavailable", "the guard could not check this request and the policy is fail-closed; try again")
    if decision.rule.startswith("lever:"):
        return HttpProblem(503, "contained", "this use is switched off while an incident is contained; ask the owner of the system")
    if decision.rule.startswith("limit:"):
        seconds = max(1, -(-outcome.retry_after_us // 1_000_000))
        name = decision.rule.removeprefix("limit:")
        message = f"the limit {name} is reached; try again in {seconds} s"
        return HttpProblem(429, "rate_limit_exceeded", message, [(b"retry-after", str(seconds).encode())])
    return HttpProblem(400, "content_filter", f"the request was stopped by the policy (rule {decision.rule} at {decision.stage})")
