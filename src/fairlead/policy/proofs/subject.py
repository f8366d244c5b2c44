"""Subject: one tool, in one Release or in an old and a new one, with everything that questions about it need."""

from collections.abc import Iterable, Sequence

import msgspec

from fairlead.policy.context import Attribute, context_of
from fairlead.policy.model import ToolDocument
from fairlead.policy.proofs.contract import contract
from fairlead.policy.proofs.encode import Encoder
from fairlead.policy.proofs.evaluate import Assignment
from fairlead.policy.proofs.findings import Outcome
from fairlead.policy.proofs.law import CLOSED, Answer, Law, RuleTerm, answer_of, law_of, parsed, texts_of
from fairlead.policy.proofs.reach import in_reach
from fairlead.policy.proofs.replay import Engine
from fairlead.policy.proofs.requests import Request, request_of
from fairlead.policy.proofs.search import Searcher, smaller
from fairlead.policy.proofs.sets import Sets
from fairlead.policy.proofs.solver import Search
from fairlead.policy.proofs.terms import Term, Terms, names_in
from fairlead.policy.release import Release
from fairlead.policy.tools import Kind, compile_tool


class Subject:
    """One tool, and what is to be proven of it.

    Args:
        name: The tool.
        releases: One, or an old and a new one.
        also: Arguments that questions are about beyond the tool's own, and their kinds.
        texts: Texts that questions name.
        limit_ms: How long the solver may think about one question.
    """

    def __init__(
        self,
        name: str,
        releases: Sequence[Release],
        *,
        also: Iterable[tuple[str, Kind]] = (),
        texts: Iterable[str] = (),
        limit_ms: int = 20_000,
    ) -> None:
        self.name = name
        self.terms = Terms()
        tools = [release.tool(name) for release in releases]
        self._kinds = list(dict.fromkeys([*also, *(pair for tool in tools if tool is not None for pair in tool.arguments.items())]))
        self.tool = next((tool for tool in reversed(tools) if tool is not None), None) or compile_tool(ToolDocument(tool=name))
        self.context = self._context()
        entries = {entry.text: entry for release in releases for entry in release.law.about(name)}
        self.named = frozenset((*texts_of(entries.values()), *texts, *(argument for argument, _ in self._kinds)))
        self.sets = Sets(self.terms, self.named, CLOSED)
        known: dict[tuple[object, ...], RuleTerm | None] = {}
        self.laws = tuple(
            law_of(self.sets, release.law, tool, known) if tool is not None else None for release, tool in zip(releases, tools, strict=True)
        )
        self.answers = tuple(self._answer(law) for law in self.laws)
        self._engines = tuple(Engine(release.law, name, release.tool(name)) for release in releases)
        self._searcher = Searcher(self.terms, limit_ms)

    @property
    def law(self) -> Law:
        """The policies of the tool in the only Release, or the new one."""
        found = self.laws[-1]
        return found if found is not None else Law(self.tool, self.context, ())

    @property
    def answer(self) -> Answer:
        """What the broker answers under the only Release, or the new one."""
        return self.answers[-1]

    @property
    def engine(self) -> Engine:
        """The engine with the policies of the only Release, or the new one."""
        return self._engines[-1]

    def encoder(self) -> Encoder:
        """Return what translates expressions about calls of the tool."""
        return Encoder(self.sets, self.name, self.context)

    def condition(self, expression: str) -> Term:
        """Return a Cedar expression as a term: it holds, and is no error.

        Raises:
            Untranslated: It uses something that is not translated.
        """
        tree = parsed(f"permit(principal, action, resource) when {{ {expression} }};")
        holds, error = self.encoder().condition(tree.clauses[0].expr)
        return self.terms.every(holds, self.terms.negation(error))

    def find(self, *wanted: Term) -> Search:
        """Return a request that the broker could make and for which all formulas hold."""
        return self.find_with(wanted, ())

    def find_with(self, wanted: Sequence[Term], promises: Sequence[Term]) -> Search:
        """Return the same, with more that holds of every request."""
        if self.terms.false in wanted:
            return Search("none")
        return self._searcher.find(wanted, [*self.promises(wanted), *promises])

    def request(self, found: Search, *wanted: Term) -> Request:
        """Return what was found as a request that a reader understands: near to a plain call, with little in it."""
        nearer = self.find(*wanted, *in_reach(self.terms, [name for name, _ in self._kinds]))
        chosen = nearer.request if nearer.found == "some" else found.request
        return self.as_request(smaller(chosen, [*wanted, *self.promises(wanted)]))

    def as_request(self, found: Assignment) -> Request:
        """Return the request that an assignment stands for."""
        return request_of(self.name, self.context, found, self.named)

    def outcomes(self, request: Request) -> tuple[Outcome, ...]:
        """Return what the real engine answers under each Release."""
        return tuple(engine.outcome(request) for engine in self._engines)

    def promises(self, wanted: Sequence[Term]) -> list[Term]:
        """Return what the broker promises of every request that these formulas could be about."""
        return contract(self.sets, self._kinds, names_in(wanted))

    def _answer(self, law: Law | None) -> Answer:
        if law is None:
            return Answer(self.terms.false, self.terms.false, self.terms.true, self.terms.false)
        return answer_of(self.terms, law, [name for name, _ in self._kinds])

    def _context(self) -> dict[str, Attribute]:
        """Return every attribute that a call can have, in whichever Release or question it is known."""
        context = context_of(self.tool)
        for pair in self._kinds:
            for key, of in context_of(msgspec.structs.replace(self.tool, arguments={pair[0]: pair[1]})).items():
                context[key] = context[key]._replace(inner={**of.inner, **context[key].inner})
        return context
