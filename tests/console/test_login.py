"""Who comes in: an account with a password, a session in a cookie that scripts and other sites can't use, and forms that are ours."""

import re
from http.cookies import SimpleCookie

import httpx
import pytest
from console.scene import PASSWORD, Browser, Scene, account, csrf_of

from fairlead.console.app import FORM_COOKIE, SESSION_COOKIE
from fairlead.console.guard import MAX_BODY
from fairlead.identity import LIFETIME_US, LOCAL_OPERATOR, MAX_FAILURES, WINDOW_US, csrf_token


def cookie(answer: httpx.Response, name: str) -> dict[str, str | bool]:
    """Return the attributes of a cookie that an answer sets, by their lower-case names."""
    morsels = [SimpleCookie(line).get(name) for line in answer.headers.get_list("set-cookie")]
    (found,) = [morsel for morsel in morsels if morsel is not None]
    return {"value": found.value} | {key: value for key, value in found.items() if value}


def test_the_right_password_opens_a_session_in_a_strict_cookie(browser: Browser) -> None:
    answer = browser.log_in("north")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    session = cookie(answer, SESSION_COOKIE)
    assert len(str(session.pop("value"))) >= 50
    assert session == {"path": "/", "httponly": True, "samesite": "strict"}  # no domain, no lifetime: it ends with the browser
    assert browser.get("/").status_code == 200


def test_behind_https_the_cookies_are_sent_by_https_only(scene: Scene) -> None:
    browser = Browser(scene.app(secure=True), base="https://console.test")
    assert cookie(browser.get("/login"), FORM_COOKIE)["secure"] is True
    assert cookie(browser.log_in("north"), SESSION_COOKIE)["secure"] is True
    assert browser.get("/").status_code == 200


def test_the_cookie_of_the_login_form_is_strict_and_never_becomes_the_session(browser: Browser) -> None:
    form = cookie(browser.get("/login"), FORM_COOKIE)
    ticket = form.pop("value")
    assert form == {"path": "/", "httponly": True, "samesite": "strict"}
    browser.log_in("north")
    assert browser.cookies[SESSION_COOKIE] != ticket
    assert FORM_COOKIE not in browser.cookies


@pytest.mark.parametrize("given", ["", "0" * 64, "é", csrf_token("another ticket")])
def test_a_login_form_that_was_not_given_to_this_browser_is_refused(browser: Browser, given: str) -> None:
    browser.get("/login")
    answer = browser.post("/login", {"tenant": "north", "login": "viewer-of-north", "password": PASSWORD, "csrf": given})
    assert answer.status_code == 401
    assert SESSION_COOKIE not in browser.cookies


def test_a_login_without_the_forms_cookie_is_refused(scene: Scene, browser: Browser) -> None:
    csrf = csrf_of(browser.get("/login"))
    other = Browser(scene.app())
    fields = {"tenant": "north", "login": "viewer-of-north", "password": PASSWORD, "csrf": csrf}
    assert other.post("/login", fields).status_code == 401
    assert SESSION_COOKIE not in other.cookies
    fields["csrf"] = csrf_token("")
    assert other.post("/login", fields).status_code == 401


@pytest.mark.parametrize(
    ("tenant", "login", "password"),
    [
        ("north", "viewer-of-north", "not the right words"),
        ("north", "nobody", PASSWORD),
        ("south", "viewer-of-north", PASSWORD),
        ("nowhere", "viewer-of-north", PASSWORD),
        ("", "", ""),
    ],
)
def test_whatever_is_wrong_the_answer_is_the_same_and_the_password_does_not_come_back(
    browser: Browser, tenant: str, login: str, password: str
) -> None:
    answer = browser.log_in(tenant, login or " ", password)
    assert answer.status_code == 401
    assert "Login or password is wrong" in answer.text
    assert SESSION_COOKIE not in browser.cookies
    assert not password or password not in answer.text
    assert f'name="tenant" value="{tenant}"' in answer.text


def test_too_many_wrong_passwords_make_the_right_one_wait(scene: Scene, browser: Browser) -> None:
    account(scene.door, "north", "guessed", "viewer")
    for _ in range(MAX_FAILURES):
        assert browser.log_in("north", "guessed", "not the right words").status_code == 401
    limited = browser.log_in("north", "guessed")
    assert (limited.status_code, SESSION_COOKIE in browser.cookies) == (429, False)
    assert "Too many failed logins" in limited.text
    scene.clock.advance(WINDOW_US + 1)
    assert browser.log_in("north", "guessed").status_code == 303


def test_logging_out_takes_the_sessions_own_form(scene: Scene, browser: Browser) -> None:
    browser.log_in("north")
    token = browser.cookies[SESSION_COOKIE]
    for forged in ("", "0" * 64, csrf_token("another session")):
        assert browser.post("/logout", {"csrf": forged}).status_code == 401
    assert browser.get("/logout").status_code == 405
    assert browser.get("/").status_code == 200
    answer = browser.post("/logout", {"csrf": csrf_of(browser.get("/"))})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert SESSION_COOKIE not in browser.cookies
    thief = Browser(scene.app())
    thief.cookies.set(SESSION_COOKIE, token)
    assert thief.get("/").headers["location"] == "/login"


def test_a_session_ends_after_a_working_day(scene: Scene, browser: Browser) -> None:
    browser.log_in("north")
    scene.clock.advance(LIFETIME_US)
    assert browser.get("/").headers["location"] == "/login"
    assert browser.get("/portfolio.json").status_code == 401


def test_a_disabled_account_is_out_at_once(scene: Scene, browser: Browser) -> None:
    account(scene.door, "north", "leaving", "admin")
    browser.log_in("north", "leaving")
    assert browser.get("/").status_code == 200
    scene.door.disable_account(LOCAL_OPERATOR, "north", "leaving")
    assert browser.get("/").headers["location"] == "/login"


def test_without_a_session_there_is_no_page_and_no_data(scene: Scene, browser: Browser, tenant: str) -> None:
    for page in scene.pages(tenant):
        answer = browser.get(page)
        assert (answer.status_code, answer.headers["location"], answer.text) == (303, "/login", "")
        refused = browser.get("/portfolio.json" if page == "/" else f"{page}.json")
        assert (refused.status_code, refused.json()["code"]) == (401, "session-refused")


@pytest.mark.parametrize("token", ["", "x" * 52, "ü", "a" * 5000])
def test_a_made_up_cookie_opens_nothing(browser: Browser, token: str) -> None:
    answer = browser.get_with("/", f"{SESSION_COOKIE}={token}".encode())
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


def test_a_large_or_endless_form_is_refused_unread(browser: Browser) -> None:
    csrf = csrf_of(browser.get("/login"))
    assert browser.post("/login", {"csrf": csrf, "password": "x" * MAX_BODY}).status_code == 413
    assert browser.post("/login", {"csrf": csrf}, (b"transfer-encoding", b"chunked")).status_code == 413
    assert browser.post("/login", {"csrf": csrf}, (b"content-length", b"many")).status_code == 413


def test_the_token_of_the_form_is_bound_to_its_session(scene: Scene) -> None:
    one, two = Browser(scene.app()), Browser(scene.app())
    for browser in (one, two):
        browser.log_in("north")
    assert two.post("/logout", {"csrf": csrf_of(one.get("/"))}).status_code == 401
    assert re.fullmatch("[0-9a-f]{64}", csrf_of(two.get("/")))
