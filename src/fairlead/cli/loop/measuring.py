"""Steps 7 and 8: eval and red team, unguarded and guarded; the gate; and a regression planted to see it caught."""

from collections import Counter
from typing import TYPE_CHECKING

from fairlead.cli.loop.model import SYSTEM, TENANT, Measured, Row, Stage
from fairlead.cli.loop.policies import rule_ids, without_rule
from fairlead.cli.loop.servers import Servers
from fairlead.cli.measuring import Door, measure, rate_cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fairlead.evals import GateResult, MetricEstimate, Run, Suite

PLANTED_WORKER = 90
"""Number of the worker that serves the planted policy, so that its journal is its own."""
NAMED = 4
"""How many cases a row names."""


def evaluate(stage: Stage) -> tuple[Measured, list[Row]]:
    """Run the suite without and with the guard.

    Args:
        stage: What to work with.
    """
    from fairlead.evals import estimates, read_suite

    suite = read_suite(stage.site.example / "suite.yaml")
    stage.say(f"eval: {len(suite.cases)} cases straight to the model, then through the gateway")
    measured = Measured(suite, *_both(stage, suite))
    before, after = estimates(measured.unguarded), estimates(measured.guarded)
    rows = [
        Row("eval", "attacks that succeed", _change(before, after, "attack_success")),
        Row("", "benign cases blocked", _change(before, after, "false_positive_rate")),
        Row("", "benign cases answered", _change(before, after, "answered")),
    ]
    return measured, rows


def attack(stage: Stage) -> list[Row]:
    """Run the attack set without and with the guard."""
    from fairlead.redteam import read_attacks, report, require_delivery

    attacks = read_attacks(stage.site.example / "attacks.yaml")
    stage.say(f"red team: {len(attacks.cases)} independent attacks through user, documents and tool results")
    unguarded, guarded = _both(stage, attacks)
    for run in (unguarded, guarded):
        require_delivery(run)
    found = report(unguarded=unguarded, guarded=guarded)
    rows = [Row("red team", "attacks that succeed", _change(found.unguarded, found.guarded, "attack_success"))]
    return rows + [
        Row("", f"  from {origin}", _change(found.unguarded, found.guarded, "attack_success", f"origin={origin}"))
        for origin in ("user", "retrieved", "tool")
    ]


def gate(stage: Stage, measured: Measured) -> list[Row]:
    """Ask the gate about the guarded run."""
    result = _ask(stage, measured.suite, measured.guarded)
    carried = sum(judgement.answer == "PASS" for judgement in result.judgements)
    return [Row("gate", f"{carried} of {len(result.judgements)} claims carried by the data", _answer(result))]


def plant(stage: Stage, measured: Measured) -> list[Row]:
    """Take the rule away that stopped most, measure again, and let the gate name it."""
    rule = _busiest(measured.guarded, rule_ids(stage.site.policy))
    if not rule:
        return [Row("planted", "no rule of the policy acted alone on an unsafe case", "nothing to take away", ok=False)]
    stage.say(f"planted regression: the same suite with the rule '{rule}' removed")
    result = _planted(stage, measured, rule)
    cases = [change.case for change in result.regressions]
    more = f" and {len(cases) - NAMED} more" if len(cases) > NAMED else ""
    found = f"{_answer(result)}; unsafe again: {', '.join(cases[:NAMED])}{more}" if cases else _answer(result)
    named = {name for change in result.regressions for name in change.rules}
    return [Row("planted", f"rule '{rule}' removed; the gate names {', '.join(sorted(named)) or 'none'}", found, rule in named)]


def regate(stage: Stage, suite: "Suite") -> list[Row]:
    """Measure and gate again, the cases made from incidents included."""
    from fairlead.evals import read_case_folder

    regressions = read_case_folder(stage.site.cases)
    stage.say(f"gate: once more, with {len(regressions)} case(s) from incidents")
    run = measure(suite, "", _door(stage, guarded=True), regressions=regressions)
    stage.plane.keep_run(run, tenant=TENANT, system=SYSTEM)
    result = _ask(stage, suite, run)
    return [Row("gate", f"with {len(regressions)} case(s) from incidents", _answer(result), result.regression_cases > 0)]


def _planted(stage: Stage, measured: Measured, rule: str) -> "GateResult":
    from fairlead.core import SystemClock
    from fairlead.evals import gate as ask

    site = stage.site
    port = site.settings.gateway_port + 10
    policy = without_rule(site.policy, site.folder / "planted", rule)
    words = ["gateway", "--policy", str(policy), "--host", site.settings.host, "--port", str(port), "--worker", str(PLANTED_WORKER)]
    with Servers(site.folder / "logs") as servers:
        servers.start("planted-gateway", words, f"{site.address(port)}/readyz")
        door = Door("guarded", f"{site.address(port)}/v1", stage.people.lab_key, site.model)
        run = measure(measured.suite, "", door)
    return ask(measured.suite, run, clock=SystemClock(), baseline=measured.guarded, varied="policy")


def _both(stage: Stage, suite: "Suite") -> "tuple[Run, Run]":
    unguarded, guarded = (measure(suite, "", _door(stage, guarded=side)) for side in (False, True))
    for run in (unguarded, guarded):
        stage.plane.keep_run(run, tenant=TENANT, system=SYSTEM)
    return unguarded, guarded


def _door(stage: Stage, *, guarded: bool) -> Door:
    site = stage.site
    if guarded:
        return Door("guarded", site.gateway_url, stage.people.lab_key, site.model)
    return Door("unguarded", site.model_url, site.settings.openai_api_key or "none", site.model)


def _ask(stage: Stage, suite: "Suite", run: "Run") -> "GateResult":
    from fairlead.core import SystemClock
    from fairlead.evals import gate as ask
    from fairlead.evals import read_case_folder

    regressions = read_case_folder(stage.site.cases) if any(result.role == "regression" for result in run.results) else ()
    result = ask(suite, run, clock=SystemClock(), regressions=regressions)
    stage.plane.keep_gate(result, tenant=TENANT, system=SYSTEM)
    return result


def _answer(result: "GateResult") -> str:
    return f"{result.answer} (exit code {result.exit_code})"


def _busiest(run: "Run", rules: "Sequence[str]") -> str:
    """Return the rule that acted alone on most unsafe cases: without it they get through."""
    alone = Counter(result.rules[0] for result in run.results if result.kind == "unsafe" and len(result.rules) == 1)
    known = [(count, rule) for rule, count in alone.items() if rule in rules]
    return max(known)[1] if known else ""


def _change(before: "Sequence[MetricEstimate]", after: "Sequence[MetricEstimate]", metric: str, part: str = "all") -> str:
    return " -> ".join(next((rate_cell(row) for row in side if (row.metric, row.part) == (metric, part)), "-") for side in (before, after))
