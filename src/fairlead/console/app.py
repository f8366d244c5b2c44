"""The console as one application: sessions, pages with their JSON twins, and one place where problems become answers."""

import secrets
from collections.abc import Callable
from importlib.resources import files
from typing import Annotated

import msgspec
from fastapi import FastAPI, Form, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from fairlead.agents import Scope
from fairlead.console.guard import Guarded
from fairlead.console.pages import PAGES, Ask, Page, twin_of
from fairlead.console.ports import ConsoleContext, Viewer
from fairlead.console.render import Renderer
from fairlead.core import FairleadError, IntegrityError, InvalidInput, NotFound, Refused, Unavailable, canonical_bytes
from fairlead.identity import Actor, LoginLimited, SessionRefused, csrf_token, require, require_csrf

SESSION_COOKIE = "fairlead_session"
FORM_COOKIE = "fairlead_form"
"""Ties the login form to the browser that it was given to, before there is a session."""

ANSWERS: dict[str, Scope] = {"grant": "call", "values": "values", "fields": "fields", "sources": "sources", "refuse": ""}
"""What each button of an approval grants."""
MAX_REASON = 300

_STATUS: tuple[tuple[type[FairleadError], int], ...] = (
    (SessionRefused, 401),
    (LoginLimited, 429),
    (Refused, 403),
    (NotFound, 404),
    (InvalidInput, 400),
    (Unavailable, 503),
    (IntegrityError, 500),
)


def create_app(context: ConsoleContext) -> Guarded:
    """Build the console.

    Args:
        context: What it reads, who may come in, the time.

    Returns:
        An ASGI application.
    """
    console = _Console(context)
    app = FastAPI(title="Fairlead console", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route("/login", console.show_login, methods=["GET"])
    app.add_api_route("/login", console.login, methods=["POST"])
    app.add_api_route("/logout", console.logout, methods=["POST"])
    app.add_api_route("/approvals/{name}", console.answer_approval, methods=["POST"])
    app.add_api_route("/exchanges/{name}/receipt.json", console.receipt, methods=["GET"])
    app.add_api_route("/static/console.css", _static("console.css", "text/css"), methods=["GET"])
    for address in ("/static/icon.svg", "/favicon.ico"):  # browsers ask for the latter where a document names none
        app.add_api_route(address, _static("icon.svg", "image/svg+xml"), methods=["GET"])
    for page in PAGES:
        app.add_api_route(twin_of(page.path), console.twin_of(page), methods=["GET"])
        app.add_api_route(page.path, console.page_of(page), methods=["GET"])
    app.add_exception_handler(FairleadError, console.problem)
    app.add_exception_handler(HTTPException, console.problem)
    app.add_exception_handler(RequestValidationError, console.problem)
    app.add_exception_handler(Exception, console.problem)
    return Guarded(app)


class _Console:
    def __init__(self, context: ConsoleContext) -> None:
        self._context = context
        self._renderer = Renderer(context.clock)

    def show_login(self, request: Request) -> Response:
        return self._login_form(request, self._context.tenant)

    def login(
        self,
        request: Request,
        tenant: Annotated[str, Form()] = "",
        login: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        csrf: Annotated[str, Form()] = "",
    ) -> Response:
        _require_form(request.cookies.get(FORM_COOKIE, ""), csrf)
        try:
            opened = self._context.door.login(tenant, login, password)
        except Refused as error:
            answer = self._login_form(request, tenant, login, message=f"{error.what}; {error.mend}")
            answer.status_code = _status(error) if isinstance(error, LoginLimited) else 401
            return answer
        answer = RedirectResponse("/", status_code=303)
        self._set_cookie(answer, SESSION_COOKIE, opened.token)
        answer.delete_cookie(FORM_COOKIE, path="/", httponly=True, samesite="strict", secure=self._context.secure)
        return answer

    def logout(self, request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        token = request.cookies.get(SESSION_COOKIE, "")
        _require_form(token, csrf)
        self._context.door.logout(token)
        answer = RedirectResponse("/login", status_code=303)
        answer.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict", secure=self._context.secure)
        return answer

    def answer_approval(
        self,
        request: Request,
        name: str,
        say: Annotated[str, Form()] = "",
        reason: Annotated[str, Form()] = "",
        csrf: Annotated[str, Form()] = "",
    ) -> Response:
        viewer = self._viewer(request)
        _require_form(request.cookies.get(SESSION_COOKIE, ""), csrf)
        answer = decode_answer(say)
        self._context.inbox.answer(
            viewer.tenant,
            name,
            by=viewer.account,
            granted=bool(answer),
            scope=answer or "call",
            reason=" ".join(reason.split())[:MAX_REASON],
        )
        return RedirectResponse("/approvals", status_code=303)

    def receipt(self, request: Request, name: str) -> Response:
        viewer = self._viewer(request)
        require(Actor.of(viewer.account), "evidence.export", viewer.tenant)
        return Response(self._context.receipts.receipt(viewer.tenant, name), media_type="application/json")

    def page_of(self, page: Page) -> Callable[[Request], Response]:
        def show(request: Request) -> Response:
            viewer = self._viewer(request)
            shown = page.build(self._context.reads, self._ask(viewer, request))
            return HTMLResponse(self._renderer.page(page, shown, viewer, path=request.url.path, query=request.url.query))

        return show

    def twin_of(self, page: Page) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            shown = page.build(self._context.reads, self._ask(self._viewer(request), request))
            return Response(canonical_bytes(shown), media_type="application/json")

        return answer

    def problem(self, request: Request, error: Exception) -> Response:
        """Turn a problem into a page, a JSON document or the way to the login form."""
        status, told = _told(error)
        if request.url.path.endswith(".json"):
            return Response(msgspec.json.encode(told), status_code=status, media_type="application/json")
        if status == 401 and request.method == "GET":
            return RedirectResponse("/login", status_code=303)
        return HTMLResponse(self._renderer.problem(told, status), status_code=status)

    def _viewer(self, request: Request) -> Viewer:
        token = request.cookies.get(SESSION_COOKIE, "")
        session = self._context.door.session(token)
        require(Actor.of(session.account), "read", session.account.tenant)
        return Viewer(account=session.account, csrf=csrf_token(token))

    def _ask(self, viewer: Viewer, request: Request) -> Ask:
        name = str(request.path_params.get("name", ""))
        return Ask(tenant=viewer.tenant, now_us=self._context.clock.now_us(), name=name, query=request.query_params)

    def _login_form(self, request: Request, tenant: str, login: str = "", *, message: str = "") -> Response:
        ticket = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(32)
        answer: Response = HTMLResponse(self._renderer.login(csrf_token(ticket), tenant=tenant, login=login, message=message))
        self._set_cookie(answer, FORM_COOKIE, ticket)
        return answer

    def _set_cookie(self, answer: Response, name: str, value: str) -> None:
        answer.set_cookie(name, value, path="/", httponly=True, samesite="strict", secure=self._context.secure)


def decode_answer(said: str) -> Scope:
    """Return what a form's button grants; empty when it refuses.

    Raises:
        InvalidInput: There is no such button.
    """
    if said not in ANSWERS:
        raise InvalidInput("this is no answer", where="say", mend=f"say one of {', '.join(ANSWERS)}")
    return ANSWERS[said]


def _static(name: str, kind: str) -> Callable[[], Response]:
    content = files("fairlead.console").joinpath("static", name).read_bytes()

    def answer() -> Response:
        return Response(content, media_type=kind, headers={"cache-control": "no-cache"})

    return answer


def _require_form(ticket: str, given: str) -> None:
    """Refuse a form that was not given to this browser.

    Raises:
        SessionRefused: The cookie is missing, or the form does not carry its token.
    """
    if not ticket:
        raise SessionRefused("the form does not belong to this browser", mend="load the page again and send its form")
    require_csrf(ticket, given)


def _status(error: FairleadError) -> int:
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def _told(error: Exception) -> tuple[int, dict[str, str]]:
    if isinstance(error, FairleadError):
        return _status(error), error.as_json()
    if not isinstance(error, HTTPException | RequestValidationError):
        return 500, FairleadError("the console failed", mend="try again; if it stays, look at the console's own output").as_json()
    status = error.status_code if isinstance(error, HTTPException) else 400
    what = "there is no such page" if status == 404 else "the request is not one that the console takes"
    return status, FairleadError(what, mend="follow the links of the pages").as_json()
