"""``fairlead policy``: check, show, compare, test and explain a policy."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fairlead.cli.output import json_option, show_json, show_table
from fairlead.cli.policy_files import read_release, read_text, rehearsing
from fairlead.cli.proofs import verify
from fairlead.cli.trials import canary, shadow

if TYPE_CHECKING:
    from fairlead.guard import StageOutcome
    from fairlead.policy import PolicyCase, Release, Rule, RuleScore, Tool

FILE = click.Path(path_type=Path, dir_okay=False)
TENANT = click.option("--tenant", default="", help="With the overlays for this tenant.")
API = click.option("--api", default="", help="With the overlays for this API, such as openai_chat.")
MODEL = click.option("--model", default="", help="With the overlays for this model.")
REGION = click.option("--region", default="", help="Region of the installation, for a tenant whose region the policy does not say.")
TESTS_FAILED = 10
STAGE_NAMES = ("input", "retrieval", "tool_definition", "tool_call", "tool_result", "memory", "handoff", "output")


@click.group()
def policy() -> None:
    """Check, show, compare, test, explain, prove and try a policy."""


policy.add_command(verify)
policy.add_command(shadow)
policy.add_command(canary)


@policy.command()
@click.argument("file", type=FILE, default="fairlead.yaml")
@json_option
def check(file: Path, as_json: bool) -> None:
    """Check a policy and what stands beside it (overlays, tools.cedar); every problem is told with its line."""
    release = read_release(file)
    if as_json:
        counts = {"rules": len(release.rules), "tools": len(release.tools), "merged": len(release.variants)}
        show_json({"valid": True, "file": str(file), "release": release.id, **counts})
        return
    merged = f", {len(release.variants)} merged policies" if release.variants else ""
    click.echo(f"{file}: valid, {len(release.rules)} rules, {len(release.tools)} tools{merged}")
    click.echo(f"release {release.id}")


@policy.command()
@click.argument("file", type=FILE, default="fairlead.yaml")
@click.option("--cedar", is_flag=True, help="Print the Cedar policies and schema that the tools compile to.")
@json_option
def show(file: Path, cedar: bool, as_json: bool) -> None:
    """Show the rules with their resolved thresholds, the tools, and the release id."""
    release = read_release(file)
    if as_json:
        show_json({"release": release.id, "canonical": release.canonical})
        return
    if cedar:
        click.echo("\n".join(statement.text for statement in release.law.statements))
        click.echo(release.law.schema)
        return
    document = release.policy
    click.echo(f"{document.system} (tier {document.tier}, owner {document.owner}); mode {document.mode}, capture {document.capture}")
    click.echo(f"release {release.id}")
    about = {rule.id: rule.looks_for for rule in document.rules}
    show_table("", ("rule", "at", "looks for", "from score", "does", "line"), (_rule_row(rule, about[rule.id]) for rule in release.rules))
    show_table("", ("tool", "allowed", "else", "results", "line"), (_tool_row(tool) for tool in release.tools))
    for rule in release.rules:
        if rule.unmeasured:
            click.echo(f"note: {rule.id} leaves out {', '.join(rule.unmeasured)}: no card of theirs carries its false-positive rate")


@policy.command()
@click.argument("file", type=FILE, default="fairlead.yaml")
@click.option("--tenant", default="default", show_default=True, help="Whose System it guards.")
@json_option
def release(file: Path, tenant: str, as_json: bool) -> None:
    """Put a policy in force: record and sign its Release. From then on its incident rules apply, and cards and reports know it."""
    from fairlead.config import load_settings
    from fairlead.identity import LOCAL_OPERATOR
    from fairlead.wiring.control_plane import build_control_plane

    identifier = build_control_plane(load_settings(), file).put_policy_in_force(tenant=tenant, by=LOCAL_OPERATOR.id)
    if as_json:
        show_json({"release": identifier, "tenant": tenant})
        return
    click.echo(f"in force for {tenant}: {identifier}, recorded and signed")


@policy.command(name="diff")
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@json_option
def compare(old: Path, new: Path, as_json: bool) -> None:
    """Say what NEW lets pass that OLD stopped, and what it stops that OLD let pass."""
    from fairlead.policy import diff

    changes = diff(read_release(old), read_release(new))
    if as_json:
        show_json(changes)
        return
    if not changes:
        click.echo("both decide alike")
        return
    told = {"passes": "newly passes", "blocks": "newly stopped", "changed": "changed"}
    show_table(
        "", ("effect", "rule", "what", "old", "new"), ((told[item.effect], item.rule, item.subject, item.old, item.new) for item in changes)
    )


@policy.command()
@click.argument("file", type=FILE, default="fairlead.yaml")
@click.option("--tests", type=FILE, default=None, help="The tests; FILE with _test in its name by default.")
@json_option
def test(file: Path, tests: Path | None, as_json: bool) -> int:
    """Run the unit tests beside a policy; exit code 10 when one fails."""
    from fairlead.policy import load_cases

    path = tests or file.with_name(f"{file.stem}_test{file.suffix}")
    results: list[dict[str, object]] = []
    with rehearsing(read_release(file)) as rehearsal:
        for case, where in load_cases(str(path), read_text(path)):
            start = time.perf_counter_ns()
            outcome = rehearsal.run(case)
            took_us = (time.perf_counter_ns() - start) // 1000
            results.append({"name": case.name, "where": where, "problem": _difference(case, outcome), "took_us": took_us})
    failed = sum(1 for result in results if result["problem"])
    if as_json:
        show_json({"passed": len(results) - failed, "failed": failed, "tests": results})
    else:
        for result in results:
            word = click.style("FAIL", fg="red") if result["problem"] else click.style("PASS", fg="green")
            click.echo(f"{word}  {result['name']}  ({int(str(result['took_us'])) / 1000:.2f} ms)")
            if result["problem"]:
                click.echo(f"      {result['where']}: {result['problem']}")
        click.echo(f"{len(results) - failed} passed, {failed} failed")
    return TESTS_FAILED if failed else 0


@policy.command()
@click.argument("file", type=FILE, default="fairlead.yaml")
@click.option("--against", type=FILE, default=None, help="The policy in force: tell also what its rules stop and FILE lets pass.")
@json_option
def lint(file: Path, against: Path | None, as_json: bool) -> int:
    """Tell what is odd about the rules: what nobody looks at, and rules that never make a difference.

    The exit code is 10 for such a rule, and for anything that newly passes; what nobody looks at may be meant so.
    """
    from fairlead.detectors import Registry, builtin_patterns
    from fairlead.policy import diff
    from fairlead.policy import lint as look

    release = read_release(file)
    hazards = {hazard for detector in Registry.load().all() for hazard in detector.hazards} | {
        pattern.hazard for pattern in builtin_patterns()
    }
    odd = look(release, hazards)
    changes = diff(read_release(against), release) if against is not None else ()
    passing = [change for change in changes if change.effect == "passes"]
    code = TESTS_FAILED if passing or any(entry.kind != "gap" for entry in odd) else 0
    if as_json:
        show_json({"odd": odd, "newly_passes": passing, "exit_code": code})
        return code
    for entry in odd:
        click.echo(f"{entry.kind}: {entry.subject}{f' ({entry.where})' if entry.where else ''}: {entry.what}")
    for change in passing:
        click.echo(f"newly passes: {change.subject}: {change.old} before, {change.new} now ({change.rule})")
    if not odd and not passing:
        click.echo("nothing is odd")
    return code


@policy.command()
@click.argument("text")
@click.option("--stage", type=click.Choice(STAGE_NAMES), default="input", show_default=True, help="Where the text stands.")
@click.option("--tool", default="", help="Explain a call of this tool; TEXT is its arguments as JSON.")
@click.option("--policy", "file", type=FILE, default="fairlead.yaml", show_default=True, help="The policy file.")
@TENANT
@API
@MODEL
@REGION
@json_option
def explain(text: str, stage: str, tool: str, file: Path, as_json: bool, **whose: str) -> None:
    """Say which rule decides about TEXT, on which line of which file it stands, and how near every other rule came.

    With overlays for such a request, what they set is listed too, each with the line that decided.
    """
    from fairlead.core import STAGES
    from fairlead.policy import explain as explain_rules

    release = read_release(file).for_request(whose["tenant"], api=whose["api"], model=whose["model"], region=whose["region"])
    place = "tool_call" if tool else next(known for known in STAGES if known == stage)
    with rehearsing(release) as rehearsal:
        outcome = rehearsal.call(tool, text.encode()) if tool else rehearsal.text(place, text)
    decision = outcome.decision
    scores = explain_rules(release, place, decision.findings)
    where = _where(release, decision.rule)
    if as_json:
        ruling = {"action": decision.action, "verdict": decision.verdict, "rule": decision.rule, "where": where, "say": outcome.say}
        show_json({**ruling, "rules": scores, "overlays": list(release.overlays), "set_at": dict(release.set_at)})
        return
    click.echo(f"{decision.action}: {f'{decision.rule} ({where})' if decision.rule else 'no rule holds'}")
    if outcome.say:
        click.echo(f"says: {outcome.say}")
    if outcome.texts:
        click.echo(f"goes on as: {next(iter(outcome.texts.values()))}")
    if scores:
        show_table("", ("rule", "line", "score", "holds from", "does", ""), (_score_row(score) for score in scores))
    if release.overlays:
        show_table(f"overlays: {', '.join(release.overlays)}", ("key", "set at"), release.set_at.items())


@policy.command()
@click.argument("definitions", type=FILE)
@json_option
def draft(definitions: Path, as_json: bool) -> None:
    """Draft the tools of a policy from a file of tool definitions (MCP, OpenAI or Anthropic, as JSON); every tool is denied."""
    import yaml

    from fairlead.policy import draft_tools, read_definitions

    drafted = draft_tools(read_definitions(read_text(definitions), where=str(definitions)))
    entries = [tool.model_dump(mode="json", exclude_none=True, exclude_defaults=True) for tool in drafted]
    if as_json:
        show_json({"tools": entries})
        return
    click.echo("# Every tool is denied: say what each may do, who writes its results, and which arguments are critical.")
    click.echo(yaml.safe_dump({"tools": entries}, default_flow_style=None, sort_keys=False, allow_unicode=True, width=140), nl=False)


def _difference(case: "PolicyCase", outcome: "StageOutcome") -> str:
    expected, decision = case.expect, outcome.decision
    if decision.action != expected.action:
        return f"expected {expected.action}, got {decision.action}" + (f" by {decision.rule}" if decision.rule else "")
    if expected.rule is not None and decision.rule != expected.rule:
        return f"expected the rule {expected.rule}, got {decision.rule or 'none'}"
    if expected.text is not None and outcome.texts.get("/text", case.text) != expected.text:
        return "another text goes on than expected"
    return ""


def _where(release: "Release", rule: str) -> str:
    places = {entry.id: entry.where for entry in release.rules} | {entry.id: entry.where for entry in release.law.statements}
    return places.get(rule) or places.get(f"{rule}.approved") or "no line: built in"


def _score_row(score: "RuleScore") -> tuple[str, ...]:
    word = "decided" if score.decided else "held" if score.held else ""
    seen = "-" if score.score is None else f"{score.score:.3f}"
    return score.rule, score.where, seen, f"{score.threshold:.3f}", score.action, word


def _rule_row(rule: "Rule", about: str) -> tuple[str, ...]:
    scores = [f"{name} {threshold:.3f}" for name, threshold in rule.thresholds.items()]
    if rule.entities:
        scores.append(f"patterns {rule.threshold:g}")
    does = rule.action if rule.mode == "enforce" else f"{rule.action} (shadow)"
    return rule.id, ", ".join(rule.stages), about, ", ".join(scores), does, rule.where


def _tool_row(tool: "Tool") -> tuple[str, ...]:
    conditions = [*tool.when, *(f"{name} from {' or '.join(labels)}" for name, labels in tool.provenance.items())]
    allowed = ("when " + ", ".join(conditions) if conditions else "always") if tool.allow else "no"
    return tool.name, allowed, tool.otherwise, tool.outputs, tool.where
