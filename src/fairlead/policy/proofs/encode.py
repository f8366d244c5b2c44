"""Cedar expressions as terms: what an expression is for a request, and whether it is an error.

Semantics: Cedar policy language 4 (docs.cedarpolicy.com, read November 2026): ``&&``, ``||`` and ``if`` look at their parts from left to
right and stop early; a missing attribute and a whole number beyond 64 bits are errors; a policy that errors does not hold. The broker hands
Cedar no entities, so nothing is ``in`` anything but itself.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from cedarpy import pst

from fairlead.policy.context import Attribute
from fairlead.policy.proofs.errors import untranslated
from fairlead.policy.proofs.sets import Given, Sets, Stated
from fairlead.policy.proofs.terms import LONG, WILDCARD, Name, Sort, Term

_SORTS: Mapping[str, Sort] = {"String": "text", "Long": "int", "Bool": "bool"}
_COMPARED: Mapping[str, tuple[bool, bool]] = {  # strict, turned round
    "less": (True, False),
    "less_eq": (False, False),
    "greater": (True, True),
    "greater_eq": (False, True),
}


class Entity(NamedTuple):
    """A principal, action or resource."""

    type: str
    id: Term


class Record(NamedTuple):
    """The context, or a section of it."""

    path: tuple[str, ...]
    inner: Mapping[str, Attribute]


Value = Term | Stated | Given | Record | Entity | tuple[Entity, ...]


class Coded(NamedTuple):
    """An expression, translated."""

    value: Value
    error: Term
    """Whether it is an error instead; ``value`` means nothing then."""


class Encoder:
    """Translates the expressions of one tool's policies.

    Args:
        sets: Translates sets.
        tool: Name of the tool; the broker asks with it as action and as resource.
        context: Attributes of the context.
    """

    def __init__(self, sets: Sets, tool: str, context: Mapping[str, Attribute]) -> None:
        self.terms = terms = sets.terms
        self._sets = sets
        name = terms.constant(tool)
        self._variables: dict[str, Value] = {
            "principal": Entity("User", terms.variable(Name("value", ("principal",), "text"))),
            "action": Entity("Action", name),
            "resource": Entity("Tool", name),
            "context": Record((), context),
        }

    def entity(self, variable: str) -> Entity:
        """Return the principal, action or resource."""
        found = self._variables[variable]
        if not isinstance(found, Entity):
            raise untranslated(f"'{variable}' where an entity must be")
        return found

    def condition(self, expression: pst.Expr) -> tuple[Term, Term]:
        """Return whether an expression holds, and whether it is an error.

        Raises:
            Untranslated: It uses something that is not translated; says what.
        """
        coded = self._code(expression)
        return self._term(coded.value), coded.error

    def _code(self, node: pst.Expr) -> Coded:
        match node:
            case pst.BoolLit(value) | pst.LongLit(value) | pst.StringLit(value):
                return self._fine(self.terms.constant(_told_apart(value)))
            case pst.EntityLit(uid):
                return self._fine(Entity(str(uid.type), self.terms.constant(uid.id)))
            case pst.Var(name):
                return self._fine(self._variables[name])
            case pst.Set(elements):
                return self._set([self._code(element) for element in elements])
            case pst.GetAttr() | pst.HasAttr() | pst.Like() | pst.Is():
                return self._part(node, self._code(node.base))
        return self._operator(node)

    def _part(self, node: pst.GetAttr | pst.HasAttr | pst.Like | pst.Is, base: Coded) -> Coded:
        match node:
            case pst.GetAttr(_, attribute):
                return self._attribute(base, attribute)
            case pst.HasAttr(_, attributes):
                return self._has(base, attributes)
            case pst.Is(_, entity_type, within):
                return self._is(base, str(entity_type), within)
            case pst.Like(_, pattern):
                pieces = tuple(piece.value if isinstance(piece, pst.Char) else WILDCARD for piece in pattern)
                return base._replace(value=self.terms.like(self._term(base.value), pieces))

    def _operator(self, node: pst.Expr) -> Coded:
        match node:
            case pst.IfThenElse(condition, then, other):
                return self._if(self._code(condition), self._code(then), self._code(other))
            case pst.UnaryOp(op, arg):
                return self._unary(op, self._code(arg))
            case pst.BinaryOp("and" | "or" as op, left, right):
                return self._early(op, self._code(left), self._code(right))
            case pst.BinaryOp("in", left, right):
                return self._in(self._code(left), self._code(right))
            case pst.BinaryOp(op, left, right):
                return self._binary(op, self._code(left), self._code(right))
        raise untranslated(f"'{type(node).__name__}'")

    # ------------------------------------------------------------------ attributes
    def _attribute(self, base: Coded, name: str) -> Coded:
        record = base.value
        if not isinstance(record, Record) or name not in record.inner:
            raise untranslated(f"the attribute '{name}' of what has no such attribute")
        attribute, path = record.inner[name], (*record.path, name)
        missing = self.terms.negation(self._present(path, attribute)) if attribute.optional else self.terms.false
        return Coded(self._value(path, attribute), self.terms.some(base.error, missing))

    def _value(self, path: tuple[str, ...], attribute: Attribute) -> Value:
        if attribute.type == "Record":
            return Record(path, attribute.inner)
        return Given(path) if attribute.type == "Set<String>" else self.terms.variable(Name("value", path, _SORTS[attribute.type]))

    def _present(self, path: tuple[str, ...], attribute: Attribute) -> Term:
        return self.terms.variable(Name("has", path, text=attribute.type))

    def _has(self, base: Coded, names: tuple[str, ...]) -> Coded:
        value, there = base.value, self.terms.true
        for name in names:
            if not isinstance(value, Record) or name not in value.inner:
                return Coded(self.terms.false, base.error)
            attribute, path = value.inner[name], (*value.path, name)
            if attribute.optional:
                there = self.terms.every(there, self._present(path, attribute))
            value = self._value(path, attribute)
        return Coded(there, base.error)

    # ------------------------------------------------------------------ operators
    def _if(self, condition: Coded, then: Coded, other: Coded) -> Coded:
        test = self._term(condition.value)
        value = self.terms.choice(test, self._term(then.value), self._term(other.value))
        return Coded(value, self.terms.some(condition.error, self.terms.choice(test, then.error, other.error)))

    def _early(self, op: Literal["and", "or"], left: Coded, right: Coded) -> Coded:
        first, second = self._term(left.value), self._term(right.value)
        reached = first if op == "and" else self.terms.negation(first)
        value = self.terms.every(first, second) if op == "and" else self.terms.some(first, second)
        return Coded(value, self.terms.some(left.error, self.terms.every(reached, right.error)))

    def _unary(self, op: str, arg: Coded) -> Coded:
        if op == "not":
            return arg._replace(value=self.terms.negation(self._term(arg.value)))
        if op == "neg":
            return self._bounded("subtract", self.terms.constant(0), self._term(arg.value), arg.error)
        if op == "is_empty" and isinstance(arg.value, Stated | Given):
            return arg._replace(value=self._sets.empty(arg.value))
        raise untranslated(f"'{op}'")

    def _binary(self, op: str, left: Coded, right: Coded) -> Coded:
        error = self.terms.some(left.error, right.error)
        if op in ("eq", "not_eq"):
            same = self._same(left.value, right.value)
            return Coded(same if op == "eq" else self.terms.negation(same), error)
        if op in ("contains", "contains_all", "contains_any"):
            return Coded(self._contains(op, left.value, right.value), error)
        first, second = self._term(left.value), self._term(right.value)
        if op in _COMPARED:
            strict, turned = _COMPARED[op]
            return Coded(self.terms.less(second, first, strict=strict) if turned else self.terms.less(first, second, strict=strict), error)
        match op:
            case "add":
                return self._bounded("add", first, second, error)
            case "sub":
                return self._bounded("subtract", first, second, error)
            case "mul":
                return self._bounded("multiply", first, second, error)
        raise untranslated(f"'{op}'")

    def _bounded(self, op: Literal["add", "subtract", "multiply"], left: Term, right: Term, error: Term) -> Coded:
        value = self.terms.arithmetic(op, left, right)
        low, high = self.terms.constant(-LONG), self.terms.constant(LONG - 1)
        beyond = (self.terms.less(value, low, strict=True), self.terms.less(high, value, strict=True))
        return Coded(value, self.terms.some(error, *beyond))

    def _contains(self, op: str, left: Value, right: Value) -> Term:
        if not isinstance(left, Stated | Given):
            raise untranslated(f"'{op}' of what is no set of texts")
        if op == "contains":
            return self._sets.contains(left, self._term(right))
        if not isinstance(right, Stated | Given):
            raise untranslated(f"'{op}' of what is no set of texts")
        return self._sets.contains_all(left, right) if op == "contains_all" else self._sets.contains_any(left, right)

    def _same(self, left: Value, right: Value) -> Term:
        if isinstance(left, Entity) and isinstance(right, Entity):
            return self.terms.equal(left.id, right.id) if left.type == right.type else self.terms.false
        if isinstance(left, Stated | Given) and isinstance(right, Stated | Given):
            return self._sets.equal(left, right)
        return self.terms.equal(self._term(left), self._term(right))

    # ------------------------------------------------------------------ entities and sets
    def _in(self, left: Coded, right: Coded) -> Coded:
        groups = right.value if isinstance(right.value, tuple) and not isinstance(right.value, Entity) else (right.value,)
        within = [self._same(left.value, group) for group in groups if isinstance(group, Entity)]
        if not isinstance(left.value, Entity) or len(within) != len(groups):
            raise untranslated("'in' of what is no entity")
        return Coded(self.terms.some(*within), self.terms.some(left.error, right.error))

    def _is(self, base: Coded, entity_type: str, within: pst.Expr | None) -> Coded:
        if not isinstance(base.value, Entity):
            raise untranslated("'is' of what is no entity")
        kind = Coded(self.terms.constant(base.value.type == entity_type), base.error)
        return kind if within is None else self._early("and", kind, self._in(base, self._code(within)))

    def _set(self, elements: list[Coded]) -> Coded:
        error = self.terms.some(*(element.error for element in elements))
        entities = tuple(element.value for element in elements if isinstance(element.value, Entity))
        if entities and len(entities) == len(elements):
            return Coded(entities, error)
        return Coded(Stated(tuple(self._term(element.value) for element in elements)), error)

    def _fine(self, value: Value) -> Coded:
        return Coded(value, self.terms.false)

    def _term(self, value: Value) -> Term:
        if isinstance(value, Term):
            return value
        raise untranslated("a record, a set or an entity where a plain value must be")


def _told_apart(text: str | int) -> str | int:
    """Return a constant that the solver can tell from every other one.

    Raises:
        Untranslated: Characters of the last planes, which SMT-LIB's texts (version 2.6) don't have.
    """
    if isinstance(text, str) and any(ord(char) > LAST_CHARACTER for char in text):
        raise untranslated("a rare character")
    return text


LAST_CHARACTER = 0x2FFFF
