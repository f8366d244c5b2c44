"""Mutants of the MCP gateway and of its rules."""

from mutants.model import Mutant

MUTANTS = (
    Mutant(
        law=1,
        file="gateway/mcp/calling.py",
        old="guard_output(talk.context, told.segments, told.unknown, spot=spot)",
        new="guard_output(talk.context, told.segments, (), spot=spot)",
        red=("tests/gateway/test_mcp_calls.py::test_all_parts_of_a_result_are_guarded",),
        slow=True,
    ),
    Mutant(
        law=3,
        file="gateway/mcp/calling.py",
        old="    talk.desk.forget(talk, judged.decision.approval)\n    await talk.exchange.commit()\n",
        new="    talk.desk.forget(talk, judged.decision.approval)\n",
        red=("tests/gateway/test_mcp_servers.py::test_a_client_that_cancels_cancels_at_the_server_too",),
    ),
    Mutant(
        law=9,
        file="gateway/mcp/servers.py",
        old="        known = self._links.get((tenant, name))\n",
        new="        known = next((entry for (_, one), entry in self._links.items() if one == name), None)\n",
        red=("tests/gateway/test_mcp_http.py::test_a_client_is_served_over_http_in_both_eras",),
        slow=True,
    ),
    Mutant(
        law=0,
        file="agents/definitions.py",
        old="    if pinned != definition.digest:\n",
        new="    if not pinned:\n",
        red=(
            "tests/gateway/test_mcp_definitions.py::test_a_server_that_changes_a_definition_loses_the_tool_until_it_is_pinned_again",
            "tests/gateway/test_mcp_definitions.py::test_what_a_server_says_of_a_change_is_heard_between_two_listings",
        ),
    ),
    Mutant(
        law=0,
        file="agents/definitions.py",
        old="    if not all(shows_all(text) for text in definition.strings):\n",
        new="    if not definition.strings:\n",
        red=("tests/gateway/test_mcp_definitions.py::test_a_poisoned_definition_is_withheld_even_when_it_is_pinned",),
        slow=True,
    ),
    Mutant(
        law=0,
        file="gateway/mcp/caller.py",
        old="(_UNSEEN,) if told.seen is None else told.seen",
        new="told.seen or ()",
        red=("tests/gateway/test_mcp_calls.py::test_a_trusted_result_does_not_vouch_for_what_the_gateway_did_not_see",),
    ),
)
