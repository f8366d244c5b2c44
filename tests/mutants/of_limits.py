"""Mutants of the limits, and of what hostile clients and upstreams may do."""

from mutants.model import Mutant

ABUSE = "tests/gateway/test_abuse.py"
AT_THE_GATEWAY = "tests/gateway/test_limits.py"
LIMITS = "tests/guard/test_limits.py"

MUTANTS = (
    Mutant(
        law=9,
        file="guard/ports.py",
        old='f"{len(self.limit)}:{self.limit}{self.subject}"',
        new='f"{self.limit}{self.subject}"',
        red=(f"{LIMITS}::test_two_subjects_share_no_budget",),
    ),
    Mutant(
        law=0,
        file="guard/limits.py",
        old="            self.counts[part % KEPT] += moved\n",
        new="",
        red=(f"{LIMITS}::test_a_clock_that_goes_back_forgets_nothing_too_early_and_shuts_nothing_for_longer_than_a_window",),
    ),
    Mutant(
        law=0,
        file="guard/limit_file.py",
        old="fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        new="pass",
        red=(f"{LIMITS}::test_a_process_that_holds_the_lock_for_ever_holds_nobody_up",),
    ),
    Mutant(
        law=0,
        file="gateway/answer.py",
        old="        await exchange.settle()\n",
        new="",
        red=(f"{AT_THE_GATEWAY}::test_tokens_count_as_the_model_counts_them",),
    ),
    Mutant(
        law=0,
        file="guard/flow.py",
        old="        combined = yield from _within_limit(context, call, outcome, combined)\n",
        new="        pass\n",
        red=(f"{AT_THE_GATEWAY}::test_a_tool_is_called_as_often_as_its_limit_says",),
    ),
    Mutant(
        law=0,
        file="gateway/protocol.py",
        old="        if self._size > MAX_HEAD:",
        new="        if False:",
        red=(f"{ABUSE}::test_endless_headers_are_refused",),
    ),
    Mutant(
        law=0,
        file="gateway/protocol.py",
        old="        self._timer = self.loop.call_later(HEAD_S, transport.close)\n",
        new="",
        red=(f"{ABUSE}::test_a_client_that_does_not_come_to_the_point_is_let_go",),
        slow=True,
    ),
    Mutant(
        law=0,
        file="gateway/upstream.py",
        old="        if not allowed:\n",
        new="        if not found:\n",
        red=(f"{ABUSE}::test_a_name_that_leads_to_a_link_local_address_is_not_asked",),
    ),
)
