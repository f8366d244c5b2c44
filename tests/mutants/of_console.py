"""Mutants that the tests of the console see."""

from mutants.model import Mutant

MUTANTS = (
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
        law=4,
        file="evals/scoring.py",
        old="{_error_code(observation.error)}",
        new="{observation.error}",
        red=("tests/console/test_law4_no_content.py::test_what_was_said_is_on_no_page_and_in_no_twin[north]",),
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
)
