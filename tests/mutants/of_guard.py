"""Mutants of what gateway and SDK share: guard, wire, agents."""

from mutants.model import Mutant

MUTANTS = (
    Mutant(
        law=0,
        file="guard/edits.py",
        old="        if unions and start < unions[-1].end:",
        new="        if unions and start < unions[-1].start:",
        red=("tests/guard/test_flow.py::test_edits_are_made_as_the_union_of_their_spans",),
    ),
    Mutant(
        law=0,
        file="guard/levers.py",
        old="        if stamp == self._seen:",
        new="        if self._seen is not None:",
        red=("tests/gateway/test_levers_two_workers.py::test_both_workers_obey_on_the_next_request_and_after_a_restart",),
    ),
    Mutant(
        law=0,
        file="guard/record.py",
        old='        action="allow" if shadow else "block",',
        new='        action="block",',
        red=("tests/guard/test_flow.py::test_a_policy_in_shadow_stops_at_no_limit_no_unknown_field_no_failure",),
    ),
    Mutant(
        law=0,
        file="sdk/guard.py",
        old='outcome.texts.get("/text", text)',
        new="text",
        red=("tests/sdk/test_parity.py::test_a_text_is_decided_alike",),
    ),
    Mutant(
        law=1,
        file="guard/detect.py",
        old="            errored.append(name)\n",
        new="            ran.append(name)\n",
        red=("tests/gateway/test_law1_failures.py::test_a_request_that_could_not_be_checked_does_not_reach_the_model",),
    ),
    Mutant(
        law=1,
        file="guard/flow.py",
        old="            failed = True\n            continue\n",
        new="            continue\n",
        red=("tests/guard/test_flow.py::test_limits_that_do_not_answer_stop_the_request",),
    ),
    Mutant(
        law=1,
        file="guard/record.py",
        old="    return msgspec.structs.replace(outcome, decision=msgspec",
        new="    return StageOutcome(decision=msgspec",
        red=("tests/guard/test_flow.py::test_what_other_detectors_saw_is_enforced_when_one_fails_open",),
    ),
    Mutant(
        law=1,
        file="guard/stream.py",
        old="        if stops_on_failure(self._context.release):",
        new="        if False:",
        red=("tests/gateway/test_law1_failures.py::test_a_stream_that_could_not_be_checked_to_its_end_has_no_end_marker",),
    ),
    Mutant(
        law=1,
        file="wire/chat_stream.py",
        old='"function_call": Unsupported()',
        new='"function_call": Fields({"name": _INERT, "arguments": Streamed()})',
        red=("tests/gateway/test_streaming_edges.py::test_an_old_style_function_call_is_unknown_in_a_stream_and_not_dropped_in_silence",),
    ),
    Mutant(
        law=2,
        file="wire/sse.py",
        old="max(0, len(self._buffer) - _LONGEST_END + 1)",
        new="len(self._buffer)",
        red=("tests/gateway/test_streaming_edges.py::test_a_stream_split_at_any_byte_gives_the_same_text",),
    ),
    Mutant(
        law=4,
        file="wire/interaction.py",
        old='r"^[A-Za-z0-9_.:-]{0,128}\\Z"',
        new='r"^.*\\Z"',
        red=("tests/gateway/test_law4_no_content.py::test_no_file_holds_it",),
    ),
    Mutant(
        law=9,
        file="agents/approval_files.py",
        old='        return self._root / self._key("tenant", tenant)',
        new='        return self._root / self._key("tenant", "")',
        red=("tests/gateway/test_law9_tenants.py::test_an_approval_of_one_tenant_allows_nothing_to_another",),
    ),
    Mutant(
        law=9,
        file="guard/flow.py",
        old='f"{len(context.tenant)}:{context.tenant}/{context.key}"',
        new='f"{context.tenant}/{context.key}"',
        red=("tests/gateway/test_law9_tenants.py::test_one_tenant_spends_nothing_of_anothers_limit",),
    ),
    Mutant(
        law=9,
        file="guard/ports.py",
        old=' and self.tenant in ("", tenant)',
        new="",
        red=("tests/gateway/test_law9_tenants.py::test_a_lever_of_one_tenant_does_not_hold_for_another",),
    ),
)
