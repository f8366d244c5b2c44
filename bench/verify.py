"""What proofs cost: all that ``fairlead policy verify`` asks, and a diff against a policy with one rule narrower, by number of rules.

All rules are on one tool's action, which is the worst case: policies of different tools are asked about one by one.
"""

import time

from rows import Bench, Row

from fairlead.detectors import Registry
from fairlead.policy import Release, compile_release, load_policy
from fairlead.policy.proofs import load_invariants, verify

ROUNDS = 3
TARGETS = {100: 1.0, 1000: 5.0}
"""Seconds, by number of rules."""
KINDS = "to: string, subject: string, amount: number, tags: strings"
POLICY = f"""\
fairlead: 1
system: bench
owner: bench
tier: high
tools:
  - {{tool: send_email, does: irreversible, critical: to, arguments: {{{KINDS}}}, allow: false, else: require_approval}}
"""
NEVER = "- {name: inside, never: send_email, unless: {provenance: {to: [user, system]}}}\n"


def measure(bench: Bench) -> list[Row]:
    """Prove and compare; the planted widening has to be found, and confirmed by the engine."""
    rows: list[Row] = []
    for rules, target in TARGETS.items():
        old, new = _release(rules), _release(rules, wider=rules // 2)
        alone, both = [], []
        for _ in range(ROUNDS):
            begin = time.process_time()
            verify(new, load_invariants("never.yaml", NEVER))
            alone.append(time.process_time() - begin)
            begin = time.process_time()
            report = verify(new, load_invariants("never.yaml", NEVER), old=old)
            both.append(time.process_time() - begin)
            changed = {finding.subject for finding in report.findings if finding.check == "diff"}
            assert changed == {"newly without approval"}, changed
            assert not [finding for finding in report.findings if finding.state == "review"]
        rows.append(bench.row(f"verify_{rules}_rules", "s CPU", alone, n=ROUNDS))
        rows.append(bench.row(f"verify_and_diff_{rules}_rules", "s CPU", both, n=ROUNDS, target=target))
    return rows


def _release(rules: int, wider: int = -1) -> Release:
    registry = Registry.load()
    cedar = "\n".join(_rule(number, wider=number == wider) for number in range(rules))
    return compile_release(load_policy("fairlead.yaml", POLICY.replace("allow: false, ", ""), registry), registry, cedar=cedar)


def _rule(number: int, *, wider: bool) -> str:
    scope = 'principal, action == Action::"send_email", resource'
    inside = f'context.derived has "to.domains" && ["d{number}.example", "shared.example"].containsAll(context.derived["to.domains"])'
    named = 'context.prov has "to" && ["user", "system"].containsAll(context.prov["to"])'
    most = 10_000 * (number % 50 + 1) * (2 if wider else 1)
    cheap = f'context.derived has "amount.e4" && context.derived["amount.e4"] <= {most}'
    asked = f'context.input has "subject" && context.input["subject"] like "case {number}: *"'
    if number % 5 == 4:
        return f'@id("r{number}") forbid({scope}) when {{ context.input has "tags" && context.input["tags"].contains("t{number}") }};'
    return f'@id("r{number}") permit({scope}) when {{ {named} && {inside} && {cheap if number % 2 == 0 else asked} }};'
