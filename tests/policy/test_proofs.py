"""``fairlead policy verify`` on the support assistant: what is proven, and what a change of the policy is caught with."""

import json
from pathlib import Path

import pytest

from fairlead.cli import main
from fairlead.core import Problems
from fairlead.detectors import Registry
from fairlead.policy import Release, compile_release, load_policy
from fairlead.policy.proofs import Finding, Report, load_invariants, verify

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "support_assistant"
POLICY = (EXAMPLE / "fairlead.yaml").read_text(encoding="utf-8")
NEVER = (EXAMPLE / "fairlead_never.yaml").read_text(encoding="utf-8")
HEAD = "fairlead: 1\nsystem: s\nowner: o\ntier: high\ntools:\n"
WIDENED = POLICY.replace("domain_in: [example.com]", "domain_in: [example.com, example.org]")


def release(text: str, cedar: str = "") -> Release:
    registry = Registry.load()
    return compile_release(load_policy("fairlead.yaml", text, registry), registry, cedar=cedar)


def tools(*entries: str, cedar: str = "") -> Release:
    return release(HEAD + "".join(f"  - {entry}\n" for entry in entries), cedar)


def found(report: Report, check: str, tool: str = "") -> list[Finding]:
    return [finding for finding in report.findings if finding.check == check and tool in ("", finding.tool)]


def state(report: Report, check: str) -> str:
    (finding,) = found(report, check)
    return finding.state


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as leaving:
        main(["policy", "verify", *words])
    return int(leaving.value.code or 0), capsys.readouterr().out


@pytest.fixture
def example(tmp_path: Path) -> Path:
    file = tmp_path / "fairlead.yaml"
    file.write_text(POLICY, encoding="utf-8")
    (tmp_path / "fairlead_never.yaml").write_text(NEVER, encoding="utf-8")
    return file


def test_the_support_assistant_is_proven(capsys: pytest.CaptureFixture[str], example: Path) -> None:
    code, out = run(capsys, str(example), "--json")
    told = json.loads(out)
    assert code == told["exit_code"] == 0
    assert {finding["state"] for finding in told["report"]["findings"]} == {"proven"}
    assert len([finding for finding in told["report"]["findings"] if finding["check"] == "invariant"]) == 3


def test_a_planted_widening_is_caught_with_its_witness(capsys: pytest.CaptureFixture[str], example: Path) -> None:
    assert WIDENED != POLICY
    new = example.with_name("new.yaml")
    new.write_text(WIDENED, encoding="utf-8")
    code, out = run(capsys, str(new), "--against", str(example))
    assert code == 10
    assert "newly allowed" in out
    assert "call: send_email(to: domains example.org, from user)" in out
    assert "blocked before, allowed now" in out
    assert "mail leaves only for our own domain" not in out
    code, out = run(capsys, str(new), "--never", str(example.with_name("fairlead_never.yaml")))
    assert code == 10
    assert "mail leaves only for our own domain" in out


MAIL = "{tool: send_email, does: irreversible, when: {to: {domain_in: [example.com]}, provenance: {to: [user]}}, else: require_approval}"


def test_a_forbid_that_can_be_an_error_is_found_with_a_call() -> None:
    cedar = "forbid(principal, action, resource) when { context.session.step + context.session.calls > 100 };"
    (finding,) = found(verify(tools(MAIL, cedar=cedar)), "never-errors")
    assert finding.state == "violated"
    assert finding.subject == "cedar.0"
    assert finding.where == "tools.cedar:1"
    assert finding.witness is not None
    assert finding.witness.outcome == "block"
    assert state(verify(tools(MAIL, cedar=cedar.replace("+ context.session.calls", ""))), "never-errors") == "proven"


def test_a_condition_on_origins_that_is_turned_round_is_found() -> None:
    cedar = 'permit(principal, action, resource) when { context.prov has "to" && context.prov["to"].contains("quoted") };'
    (finding,) = found(verify(tools(MAIL, cedar=cedar)), "taint-monotone")
    assert finding.state == "violated"
    assert finding.witness is not None
    assert (finding.witness.before, finding.witness.outcome) == ("require_approval", "allow")
    assert finding.witness.better is not None
    assert "quoted" in json.dumps(finding.witness.request.context["prov"])
    assert "quoted" not in json.dumps(finding.witness.better.context["prov"])
    assert state(verify(tools(MAIL)), "taint-monotone") == "proven"


def test_an_irreversible_call_on_untrusted_values_needs_a_person() -> None:
    assert state(verify(tools(MAIL)), "approval-needed") == "proven"
    (finding,) = found(verify(tools(MAIL.replace("{to: [user]}", "{to: [user, untrusted]}"))), "approval-needed")
    assert finding.state == "violated"
    assert finding.witness is not None
    assert finding.witness.expected == "require_approval"
    assert state(verify(tools("{tool: wipe, allow: true}")), "approval-needed") == "violated"
    assert not found(verify(tools("{tool: wipe, allow: true, does: reversible}")), "approval-needed")


@pytest.mark.parametrize(
    ("cedar", "why"),
    [
        ("permit(principal, action, resource) when { context.session.calls < 1 };", "no call meets it"),
        (
            """permit(principal, action, resource) when { context.session.calls > 7 };
            forbid(principal, action, resource) when { context.session.step > 5 };""",
            "a forbid stops all that it permits",
        ),
        ('permit(principal, action, resource) when { context.approvals.contains("person") && context.readers_ok };', "other permits hold"),
        ('forbid(principal == User::"eve", action, resource); forbid(principal in User::"eve", action, resource);', "other forbids hold"),
    ],
)
def test_a_rule_that_decides_nothing_is_noted(cedar: str, why: str) -> None:
    noted = found(verify(tools(MAIL, cedar=cedar)), "rule-matters")
    assert {finding.state for finding in noted} == {"note"}
    assert any(finding.subject.startswith("cedar.") and why in finding.what for finding in noted)


def test_a_way_out_for_private_data_is_shown_tool_by_tool() -> None:
    crm = "{tool: read_crm, allow: true, does: nothing, private: true}"
    post = "{tool: post, allow: true, does: reversible, egress: [url]}"
    bypass = 'permit(principal, action == Action::"post", resource) when { context.session.step < 3 };'
    assert state(verify(tools(crm, post)), "no-exfiltration") == "proven"
    (finding,) = found(verify(tools(crm, post, cedar=bypass)), "no-exfiltration")
    assert finding.state == "violated"
    assert finding.path == ("read_crm (private)", "post.url")
    assert not found(verify(tools(crm.replace(", private: true", ""), post, cedar=bypass)), "no-exfiltration")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{name: a, never: send_email, unless: {to: {domain_in: [example.com]}}}", "proven"),
        ("{name: a, never: send_email, unless: {to: {domain_in: [example.com]}}, even_approved: true}", "violated"),
        ("{name: a, never: send_email, when: {to: {domain_in: [example.org]}}}", "proven"),
        ("{name: a, never: send_email, when: {body: {max_length: 10}}}", "violated"),
        ("{name: a, never: send_email, when: {amount: {min: 5}, note: {like: 'x*'}}, unless: {amount: {max: 6}}}", "violated"),
        ("{name: a, never: send_email, when: {amount: {min: 7}}, unless: {amount: {min: 6.5}}}", "proven"),
        ('{name: a, never: "*", cedar: \'context.prov has "to" && context.prov["to"].contains("untrusted")\'}', "proven"),
        ("{name: a, never: [send_email], cedar: context.session.calls == 3}", "violated"),
    ],
)
def test_an_invariant_is_proven_or_broken_by_a_call(line: str, expected: str) -> None:
    (finding,) = found(verify(tools(MAIL), load_invariants("never.yaml", f"- {line}")), "invariant")
    assert finding.state == expected
    assert (finding.witness is not None) == (expected == "violated")
    assert finding.where == "never.yaml:1"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{name: a, never: sned_email}", "the policy lists no tool 'sned_email'"),
        ("{name: a, never: send_email, cedar: context.session.stepp > 1}", "stepp"),
        (
            "{name: a, never: send_email, cedar: 'true }; permit(principal, action, resource) when { true'}",
            "not one Cedar expression",
        ),
        ("{name: a, never: send_email, cedar: 'true } unless { true'}", "not one Cedar expression"),
        ("{name: a, never: send_email, when: {to: {max: 3}}}", "'to'"),
    ],
)
def test_an_invariant_that_does_not_fit_is_refused_with_its_line(line: str, problem: str) -> None:
    policy = tools(MAIL.replace("does: irreversible", "does: irreversible, arguments: {to: string}"))
    with pytest.raises(Problems) as refused:
        verify(policy, load_invariants("never.yaml", f"- {line}"))
    told = refused.value.problems[0]
    assert problem in told.what
    assert told.where == "never.yaml:1"


CHANGES = [
    ("newly allowed", "violated", MAIL.replace("require_approval", "block"), "{tool: send_email, allow: true, does: irreversible}"),
    ("newly without approval", "violated", MAIL, "{tool: send_email, allow: true, else: require_approval}"),
    ("newly approvable", "violated", MAIL.replace("require_approval", "block"), MAIL),
    ("newly asked", "note", "{tool: send_email, allow: true}", MAIL),
    ("newly blocked", "note", "{tool: send_email, allow: true}", "{tool: send_email, allow: true, arguments: {to: string}}"),
    ("no longer approvable", "note", MAIL, MAIL.replace("require_approval", "block")),
    ("newly allowed", "violated", "{tool: other, allow: true}", "{tool: send_email, allow: true}"),
    ("newly blocked", "note", "{tool: send_email, allow: true}", "{tool: other, allow: true}"),
]


@pytest.mark.parametrize(("kind", "expected", "old", "new"), CHANGES)
def test_each_kind_of_change_has_a_call_that_the_engine_answers_so(kind: str, expected: str, old: str, new: str) -> None:
    report = verify(tools(new), old=tools(old))
    change = next(finding for finding in found(report, "diff", "send_email") if finding.subject == kind)
    assert change.state == expected
    assert change.witness is not None
    assert change.witness.before != change.witness.outcome


def test_the_same_policy_written_otherwise_decides_alike() -> None:
    old = tools(MAIL.replace("provenance: {to: [user]}", "provenance: {to: [user, system]}"))
    new = tools(MAIL.replace("provenance: {to: [user]}", "provenance: {to: [system, user, user]}"))
    assert state(verify(new, old=old), "diff") == "proven"


def test_what_can_not_be_translated_is_for_review_by_name_and_never_silent() -> None:
    cedar = 'forbid(principal, action, resource) when { ip("10.0.0.1").isLoopback() };'
    report = verify(
        tools(MAIL, cedar=cedar), load_invariants("n.yaml", "- {name: a, never: send_email, cedar: context.session.calls == 3}")
    )
    (finding,) = found(report, "translated")
    assert (finding.state, finding.subject) == ("review", "cedar.0")
    assert state(report, "invariant") == "violated"  # the engine confirms the call that was found
    assert report.exit_code == 10
    proven = verify(
        tools(MAIL, cedar=cedar), load_invariants("n.yaml", "- {name: a, never: send_email, unless: {provenance: {to: [user]}}}")
    )
    assert state(proven, "invariant") == "proven"  # whatever that rule says
    assert proven.exit_code == 11
    hidden = verify(
        tools("{tool: send_email, allow: true}", cedar=cedar.replace("isLoopback", "isIpv4")),
        load_invariants("n.yaml", "- {name: a, never: send_email}"),
    )
    assert state(hidden, "invariant") == "review"


def test_a_question_that_takes_too_long_is_for_review() -> None:
    hard = (
        "forbid(principal, action, resource) when { context.session.calls * context.session.step * context.session.calls == 1000003 * 7 };"
    )
    report = verify(tools(MAIL, cedar=hard), limit_ms=1)
    assert "review" in {finding.state for finding in report.findings}
    assert report.exit_code != 0
