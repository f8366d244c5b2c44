"""Budgets of size and habits that no linter counts; ruff has the complexity, the parameters and the statements."""

import ast
import re

from house.tree import ROOT, functions, place, sources, trees

FILE_LINES = 500
BODY_LINES = 60
VAGUE = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}
MARK = re.compile(r"#.*\b(TODO|FIXME|XXX|HACK)\b")
SILENCED = re.compile(r"#\s*(noqa|type:\s*ignore|pragma)\b(?P<codes>[^#]*)(?P<reason>.*)")
WRITTEN = [
    *sorted(ROOT.glob("tests/**/*.py")),
    *sorted(ROOT.glob("bench/**/*.py")),
    *sorted(ROOT.glob("examples/**/*.py")),
    *sorted(ROOT.glob("training/**/*.py")),
]


def test_no_file_is_longer_than_a_reader_bears() -> None:
    long = [f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines" for path, text in sources().items() if text.count("\n") > FILE_LINES]
    long += [f"{path.relative_to(ROOT)}: too long" for path in WRITTEN if path.read_text(encoding="utf-8").count("\n") > FILE_LINES]
    assert not long, "\n".join(long)


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{place(path, node.lineno)}: {node.name} has {_body_lines(node)} lines"
        for path, tree in trees().items()
        for node in functions(tree)
        if _body_lines(node) > BODY_LINES and "migrations" not in path.parts  # a migration is a list of operations, written once
    ]
    assert not long, "\n".join(long)


def test_modules_are_named_after_what_they_hold() -> None:
    assert not [str(path) for path in sources() if path.stem in VAGUE or path.parent.name in VAGUE]


def test_nothing_is_left_for_later_in_a_comment() -> None:
    left = [
        place(path, number) for path, text in sources().items() for number, line in enumerate(text.splitlines(), 1) if MARK.search(line)
    ]
    assert not left, "\n".join(left)


def test_every_silenced_rule_names_its_code_and_its_reason() -> None:
    """``# noqa: X - why`` or ``# type: ignore[x]  # why``; a blanket one, or one without a reason, hides what nobody judged."""
    bare: list[str] = []
    for path in [*sources(), *WRITTEN]:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = SILENCED.search(line)
            if found and path.name != "test_budgets.py" and not _explained(found["codes"] + found["reason"]):
                bare.append(f"{place(path, number)}: {line.strip()}")
    assert not bare, "\n".join(bare)


def _explained(tail: str) -> bool:
    reason = re.sub(r"^\s*[:\[]?\s*[A-Za-z0-9_,\-\s\[\]]*?(\]|\s-|\s#|—|–)", "", tail, count=1)
    coded = re.match(r"\s*(:\s*[A-Z]+[0-9]+|\[[a-z\-]+|:\s*no cover)", tail)
    return bool(coded) and reason != tail and len(reason.strip(" #-")) > 3


def _public(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_")


def test_everything_public_says_what_it_is() -> None:
    silent: list[str] = []
    for path, tree in trees().items():
        if "versions" in path.parts:
            continue
        if path.stat().st_size and ast.get_docstring(tree) is None:
            silent.append(f"{place(path, 1)}: the module")
        holders = [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and _public(node))]
        silent += [
            f"{place(path, node.lineno)}: {node.name}"
            for holder in holders
            for node in holder.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and _public(node) and ast.get_docstring(node) is None
        ]
    assert not silent, "\n".join(silent)
