"""Law 7, the pure half: an invalid policy is refused with file, line, rule and mend; all problems at once; nothing of it is taken."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.core import FairleadError, Problems
from fairlead.policy import compile_release, load_policy
from fairlead.testing.policies import SMALL_POLICY, small_registry, small_release


def refusal(text: str, cedar: str = "") -> tuple[FairleadError, ...]:
    with pytest.raises(Problems) as caught:
        small_release(text, cedar=cedar)
    return caught.value.problems


def changed(old: str, new: str) -> str:
    assert old in SMALL_POLICY
    return SMALL_POLICY.replace(old, new)


BAD = [
    ("unknown key", "tier: high", "tier: high\ntire: low", 5, "unknown key 'tire'", "did you mean 'tier'"),
    ("missing key", "owner: support-platform\n", "", 1, "'owner' is missing", "add 'owner'"),
    ("wrong word", "tier: high", "tier: hihg", 4, "tier", "did you mean 'high'"),
    ("wrong kind", "600", "many", 13, "requests_per_minute", ""),
    ("unknown key in a rule", "max_fpr", "max_frp", 7, "unknown key 'max_frp'", "did you mean 'max_fpr'"),
    ("unknown key in a constraint", "domain_in", "domain_inn", 12, "unknown key 'domain_inn'", "did you mean 'domain_in'"),
    ("unknown entity", "payment_card", "payment_crad", 8, "no entity 'payment_crad'", "did you mean 'payment_card'"),
    ("unknown hazard", "prompt_injection", "prompt_injecton", 7, "hazard 'prompt_injecton'", "did you mean 'prompt_injection'"),
    ("unknown detector", "max_fpr: 0.5%", "detector: alhpa, max_fpr: 0.5%", 7, "no detector 'alhpa'", "did you mean 'alpha'"),
    ("unknown message", "say: refusal.secret", "say: refusal.secrets", 9, "no message", "did you mean 'refusal.secret'"),
    ("unknown upstream", "do: redact", "do: route, to: fallback", 8, "", ""),
    ("unknown action", "do: redact", "do: redcat", 8, "do", "did you mean 'redact'"),
    ("unknown stage", "at: output", "at: outptu", 8, "at", "did you mean 'output'"),
    ("rule twice", "id: no-cards-out", "id: no-injection", 8, "'rules' twice", "name of its own"),
    ("tool twice", "tool: search_docs", "tool: send_email", 12, "'tools' twice", ""),
    ("no threshold", ", max_fpr: 0.5%", "", 7, "from which score", "max_fpr"),
    ("two thresholds", "max_fpr: 0.5%", "max_fpr: 0.5%, threshold: 0.9", 7, "both 'threshold' and 'max_fpr'", "keep one"),
    ("no operating point", "max_fpr: 0.5%", "max_fpr: 0.01%", 7, "can't have max_fpr 0.010%", "higher max_fpr"),
    ("no subject", "entity: payment_card, ", "", 8, "not what it looks for", "add 'hazard' or 'entity'"),
    ("nothing to put", "do: redact", "do: replace", 8, "needs the text", "with"),
    ("approval of a text", "do: redact", "do: require_approval", 8, "only a tool call", "tool_call"),
    ("key in the file", "env:OPENAI_API_KEY", "sk-abcdefghijklmnop", 5, "a key never stands in a policy", "env:NAME"),
    ("no default upstream", "{default:", "{main:", 5, "'default'", "default"),
    ("domain with a star", "[example.com]", "['*.example.com']", 12, "domain_in", ""),
    ("constraint of another kind", "{domain_in: [example.com]}", "{like: x, max: 3}", 12, "can't hold", ""),
    ("unknown origin", "{to: [user]}", "{to: [usr]}", 12, "provenance", "did you mean 'user'"),
    ("allowed and conditional", "{tool: send_email, when", "{tool: send_email, allow: false, when", 12, "contradict", ""),
    ("share that is none", "0.5%", "half", 7, "no share", "0.5%"),
    ("share of all", "0.5%", "100%", 7, "max_fpr", ""),
]


@pytest.mark.parametrize(("old", "new", "line", "what", "mend"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_each_mistake_is_told_with_line_and_mend(old: str, new: str, line: int, what: str, mend: str) -> None:
    found = [problem for problem in refusal(changed(old, new)) if problem.where == f"fairlead.yaml:{line}"]
    assert found
    assert any(what in problem.what and mend in problem.mend for problem in found), [str(problem) for problem in found]


def test_all_mistakes_come_at_once() -> None:
    text = SMALL_POLICY
    rows = [
        row
        for row in BAD
        if row[0] in {"wrong word", "unknown key in a rule", "unknown entity", "unknown message", "key in the file", "wrong kind"}
    ]
    for _, old, new, *_ in rows:
        text = text.replace(old, new)
    registry = small_registry()
    with pytest.raises(Problems) as caught:
        load_policy("fairlead.yaml", text, registry)
    lines = {problem.where for problem in caught.value.problems}
    assert lines >= {f"fairlead.yaml:{row[3]}" for row in rows}


def test_problems_come_in_the_order_of_the_file() -> None:
    lines = [int(problem.where.rpartition(":")[2]) for problem in refusal(changed("tier: high", "tier: x").replace("payment_card", "nope"))]
    assert lines == sorted(lines)


def test_a_key_that_was_written_into_the_file_is_not_repeated() -> None:
    text = "".join(str(problem) for problem in refusal(changed("env:OPENAI_API_KEY", "sk-abcdefghijklmnop")))
    assert "sk-abcdef" not in text


@pytest.mark.parametrize(
    ("cedar", "line", "what"),
    [
        ("// fine\n\npermit(principal\n;", 3, "not a Cedar policy"),
        ('permit(principal, action == Action::"nope", resource);', 1, "nope"),
        ("\nforbid(principal, action, resource) when { context.nope };", 2, "nope"),
        ('@id("tools.search_docs") permit(principal, action, resource);', 1, "taken"),
        ("permit(principal == ?principal, action, resource);", 1, "template"),
    ],
)
def test_cedar_that_does_not_fit_is_refused_with_its_line(cedar: str, line: int, what: str) -> None:
    found = refusal(SMALL_POLICY, cedar)
    assert found[0].where == f"tools.cedar:{line}"
    assert what in found[0].what


@settings(max_examples=150)
@given(st.integers(0, len(SMALL_POLICY)), st.integers(0, 12), st.text(st.sampled_from("{}[]:,- \n\"'%*&!abc019_."), max_size=12))
def test_a_damaged_policy_is_refused_or_valid_but_never_crashes(at: int, cut: int, put: str) -> None:
    text = SMALL_POLICY[:at] + put + SMALL_POLICY[at + cut :]
    registry = small_registry()
    problems: tuple[FairleadError, ...] = ()
    try:
        assert compile_release(load_policy("fairlead.yaml", text, registry), registry).id.startswith("sha256:")
    except Problems as refused:
        problems = refused.problems or (refused,)
    assert all(problem.where.startswith("fairlead.yaml:") and problem.mend for problem in problems)
