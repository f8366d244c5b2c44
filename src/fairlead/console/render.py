"""Templates to HTML: every value is escaped, every name that a template uses exists."""

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from fairlead.console import text
from fairlead.console.bars import WIDTH
from fairlead.console.pages import Page, twin_of
from fairlead.console.ports import Viewer
from fairlead.core import Clock

NAVIGATION = (
    ("/", "Portfolio"),
    ("/decisions", "Decisions"),
    ("/incidents", "Incidents"),
    ("/approvals", "Approvals"),
    ("/runs", "Runs and gates"),
    ("/evidence", "Evidence"),
)


class Renderer:
    """Renders the console's templates.

    Args:
        clock: For "how long ago".
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._templates = Environment(
            loader=PackageLoader("fairlead.console"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._templates.filters |= {
            "moment": text.moment,
            "iso": text.iso,
            "span": text.span,
            "short": text.short,
            "words": text.words,
            "share": text.share,
            "sentence": text.sentence,
            "linked": text.linked,
            "coded": text.coded,
        }
        self._templates.globals |= {"navigation": NAVIGATION, "bar_width": WIDTH}

    def page(self, page: Page, shown: msgspec.Struct, viewer: Viewer, *, path: str, query: str) -> str:
        """Return a page.

        Args:
            page: Which.
            shown: Its Context.
            viewer: Who looks at it.
            path: Where it is, for the navigation.
            query: What it was asked, for the link to its twin.
        """
        now_us = self._clock.now_us()
        template = self._templates.get_template(page.template)
        return template.render(
            page=shown,
            title=page.title,
            viewer=viewer,
            path=path,
            twin=f"{twin_of(path)}?{query}" if query else twin_of(path),
            now_us=now_us,
            ago=lambda at_us: text.ago(at_us, now_us),
        )

    def login(self, csrf: str, *, tenant: str, login: str = "", message: str = "") -> str:
        """Return the login form.

        Args:
            csrf: The form's token.
            tenant: What stands in its field.
            login: What stands in its field; a password is never sent back.
            message: Why the form comes again.
        """
        return self._templates.get_template("login.html").render(title="Log in", csrf=csrf, tenant=tenant, login=login, message=message)

    def problem(self, told: dict[str, str], status: int) -> str:
        """Return the page of a problem."""
        return self._templates.get_template("problem.html").render(title="Problem", told=told, status=status)
