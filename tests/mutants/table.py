"""The mutants: small breaks of the source, each with the tests that must go red.

A mutant shows that a law's test tests it. To add one, add an entry: the law (0 for a guarantee that no law names), the file below
``src/fairlead``, the exact old text (it must stand there exactly once), what stands there instead, and the node ids that must fail.
Name the narrowest test that should see it: that is what keeps the run short.
"""

from typing import NamedTuple


class Mutant(NamedTuple):
    """One break."""

    law: int
    file: str
    old: str
    new: str
    red: tuple[str, ...]


MUTANTS = (
    Mutant(
        law=0,
        file="agents/broker.py",
        old='return ToolVerdict(action="block", rule=UNLISTED',
        new='return ToolVerdict(action="allow", rule=UNLISTED',
        red=("tests/agents/test_broker.py::test_a_tool_that_is_not_listed_is_denied",),
    ),
    Mutant(
        law=0,
        file="console/app.py",
        old="    require_csrf(ticket, given)\n",
        new="    require_csrf(ticket, csrf_token(ticket) or given)\n",
        red=(
            "tests/console/test_login.py::test_logging_out_takes_the_sessions_own_form",
            "tests/console/test_login.py::test_a_login_form_that_was_not_given_to_this_browser_is_refused",
        ),
    ),
    Mutant(
        law=0,
        file="console/app.py",
        old='        answer.set_cookie(name, value, path="/", httponly=True,',
        new='        answer.set_cookie(name, value, path="/", httponly=False,',
        red=("tests/console/test_login.py::test_the_right_password_opens_a_session_in_a_strict_cookie",),
    ),
    Mutant(
        law=0,
        file="console/render.py",
        old="autoescape=True",
        new="autoescape=False",
        red=("tests/console/test_pages.py::test_what_records_say_is_text_whatever_stands_in_it",),
    ),
    Mutant(
        law=1,
        file="wire/fields.py",
        old="    _free(item, place, into.unknown, unknown)\n",
        new="",
        red=("tests/gateway/test_law1_coverage.py::test_an_unknown_field_that_the_policy_allows_is_counted_as_skipped",),
    ),
    Mutant(
        law=1,
        file="wire/chat.py",
        old='        "reasoning": text,\n',
        new='        "reasoning": INERT,\n',
        red=("tests/gateway/test_law1_coverage.py::test_a_canary_in_any_field_of_a_response_stays_here[body3]",),
    ),
    Mutant(
        law=1,
        file="guard/detect.py",
        old="        if ran:\n",
        new="        if ran and segment.stage != 'output':\n",
        red=("tests/gateway/test_law1_coverage.py::test_every_segment_of_an_exchange_has_coverage_that_names_its_detectors",),
    ),
    Mutant(
        law=2,
        file="detectors/stream.py",
        old="        return alive if alive >= floor else self._scanner.alive(text, floor)",
        new="        return max(alive, len(text) - 8) if alive >= floor else self._scanner.alive(text, floor)",
        red=("tests/detectors/test_law2_chunking.py::test_a_card_in_disguise_is_found_where_it_stands_in_streams_too",),
    ),
    Mutant(
        law=2,
        file="detectors/stream.py",
        old="        self._left = text[max(0, limit - CONTEXT) : limit]",
        new='        self._left = ""',
        red=("tests/detectors/test_law2_chunking.py::test_a_split_changes_neither_the_text_nor_what_is_found",),
    ),
    Mutant(
        law=2,
        file="detectors/scanner.py",
        old="                position = begin + 1",
        new="                position = match.end()",
        red=("tests/detectors/test_law2_chunking.py::test_a_candidate_that_its_check_rejects_does_not_hide_the_one_that_starts_inside_it",),
    ),
    Mutant(
        law=3,
        file="journal/engine.py",
        old="        return self.strict or len(self._pending) >= _BACKLOG",
        new="        return len(self._pending) >= _BACKLOG",
        red=("tests/journal/test_law3_durability.py::test_kill_at_any_instant_loses_no_acknowledged_record_and_tears_nothing",),
    ),
    Mutant(
        law=3,
        file="journal/database.py",
        old="        connection.execute(f\"PRAGMA synchronous={'FULL' if strict else 'NORMAL'}\")",
        new='        connection.execute("PRAGMA synchronous=NORMAL")',
        red=("tests/journal/test_law3_durability.py::test_a_strict_commit_asks_the_disk_and_a_relaxed_one_does_not",),
    ),
    Mutant(
        law=3,
        file="gateway/openai_chat.py",
        old="    await exchange.commit()\n    await respond(send, 200, encode(response.body), exchange.headers())",
        new="    await respond(send, 200, encode(response.body), exchange.headers())\n    await exchange.commit()",
        red=(
            "tests/gateway/test_law3_durability.py::test_an_answer_whose_decision_is_not_durable_does_not_leave",
            "tests/gateway/test_law3_durability.py::test_at_every_byte_that_leaves_the_decisions_before_it_are_durable",
        ),
    ),
    Mutant(
        law=3,
        file="gateway/chat_stream.py",
        old="    exchange.note(await adrive(stream.guard.opening(), exchange.serving.ports))\n    await exchange.commit()\n",
        new="    exchange.note(await adrive(stream.guard.opening(), exchange.serving.ports))\n",
        red=("tests/gateway/test_law3_durability.py::test_a_stream_whose_opening_record_is_not_durable_does_not_begin",),
    ),
    Mutant(
        law=4,
        file="guard/record.py",
        old='    return name if release.tool(name) is not None else "unknown"',
        new="    return name",
        red=("tests/gateway/test_law4_no_content.py::test_no_file_holds_it[strict]",),
    ),
    Mutant(
        law=4,
        file="wire/fields.py",
        old='        return f"#{place}"\n',
        new="        return key\n",
        red=("tests/gateway/test_law4_no_content.py::test_no_file_holds_it[loose]",),
    ),
    Mutant(
        law=4,
        file="gateway/app.py",
        old="""in %s, line %s", type(error).__name__,""",
        new="""in %s, line %s", error,""",
        red=("tests/gateway/test_law4_no_content.py::test_an_error_that_nobody_foresaw_tells_where_and_not_what",),
    ),
    Mutant(
        law=4,
        file="evals/scoring.py",
        old="{_error_code(observation.error)}",
        new="{observation.error}",
        red=("tests/console/test_law4_no_content.py::test_what_was_said_is_on_no_page_and_in_no_twin[north]",),
    ),
    Mutant(
        law=5,
        file="evals/compare.py",
        old="    others = [name for name in differing if name != varied]",
        new="    others = differing[1:]",
        red=("tests/evals/test_law5_comparability.py::test_only_the_declared_factor_may_differ",),
    ),
    Mutant(
        law=6,
        file="statistics/claims.py",
        old="    low, high = bounds(sample, alpha=claim.alpha)",
        new="    low = high = sample.k / sample.n",
        red=("tests/statistics/test_law6_honest_numbers.py::test_a_zero_is_no_proof_until_n_carries_it",),
    ),
    Mutant(
        law=7,
        file="policy/compile.py",
        old="    if document is None or problems:",
        new="    if document is None:",
        red=("tests/policy/test_law7_refusal.py::test_each_mistake_is_told_with_line_and_mend",),
    ),
    Mutant(
        law=8,
        file="governance/standing.py",
        old="    if digest_bytes(body) != signed.digest:",
        new="    if not body:",
        red=("tests/governance/test_law8_evidence_or_nothing.py::test_changing_one_result_of_the_run_turns_its_figures_red",),
    ),
    Mutant(
        law=8,
        file="governance/standing.py",
        old="    if expires and now_us > expires:",
        new="    if expires and now_us < 0:",
        red=("tests/governance/test_law8_evidence_or_nothing.py::test_figures_expire_by_themselves",),
    ),
    Mutant(
        law=9,
        file="store/records.py",
        old="select(captures.c.body).where(captures.c.tenant == tenant, captures.c.id == identifier)",
        new="select(captures.c.body).where(captures.c.id == identifier).order_by(captures.c.tenant)",
        red=("tests/identity/test_law9_tenants.py::test_no_query_of_the_store_crosses[sqlite-t2-t1]",),
    ),
    Mutant(
        law=9,
        file="identity/records.py",
        old="where = (api_keys.c.tenant == tenant, api_keys.c.id == key, ",
        new="where = (api_keys.c.id == key, ",
        red=("tests/identity/test_law9_tenants.py::test_a_key_is_revoked_only_in_its_own_tenant[sqlite]",),
    ),
    Mutant(
        law=9,
        file="console/app.py",
        old="return Ask(tenant=viewer.tenant, ",
        new='return Ask(tenant=request.query_params.get("tenant", viewer.tenant), ',
        red=(
            "tests/console/test_law9_tenants.py::test_filters_and_parameters_name_no_tenant[north]",
            "tests/console/test_law9_tenants.py::test_every_query_names_the_viewers_tenant",
        ),
    ),
    Mutant(
        law=9,
        file="evals/records.py",
        old="select(RUNS.c.digest, RUNS.c.body).where(RUNS.c.tenant == tenant, RUNS.c.id == run_id)",
        new="select(RUNS.c.digest, RUNS.c.body).where(RUNS.c.id == run_id)",
        red=("tests/console/test_law9_tenants.py::test_a_record_of_another_tenant_is_not_there[north]",),
    ),
    Mutant(
        law=10,
        file="wiring/data_plane.py",
        old="    registry = Registry.load()\n    files",
        new='    registry = Registry.load()\n    __import__("socket").getaddrinfo("updates.example.com", 443)\n    files',
        red=("tests/house/test_law10_offline_first.py::test_guard_gateway_model_store_and_commands_ask_nobody_outside",),
    ),
    Mutant(
        law=10,
        file="config.py",
        old="import msgspec\n\nfrom",
        new='import msgspec\n\nUPDATES = "https://updates.fairlead.dev/latest"\n\nfrom',
        red=("tests/house/test_law10_offline_first.py::test_no_address_of_the_outside_stands_in_the_package_without_a_reason",),
    ),
    Mutant(
        law=11,
        file="detectors/families/injection.py",
        old="RULES: tuple[Rule, ...] = (\n",
        new='RULES: tuple[Rule, ...] = (\n    _rule("jailbreak", r"have nothing more to", 0.99, 0.99),\n',
        red=(
            "tests/examples/test_law11_no_staged_wins.py::test_no_file_knows_the_placeholders",
            "tests/examples/test_law11_no_staged_wins.py::test_swapping_the_placeholders_changes_no_decision[input]",
        ),
    ),
)
