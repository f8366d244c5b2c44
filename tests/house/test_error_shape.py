"""Every error has the same shape: a code, what is wrong, where, how to mend it; the command line shows it without a traceback."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from house.tree import modules, place, trees

from fairlead.cli import main
from fairlead.core import FairleadError, Problems

EXIT_CODES = {1, 2, 3, 12, 14, 20}
UNSEEN = {"BadArguments"}
"""Never shown: the broker catches it and blocks the call, with its text as the reason."""


def _family(kind: type[FairleadError]) -> Iterator[type[FairleadError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _family(child)


def _errors() -> list[type[FairleadError]]:
    for name in modules():
        if name.endswith(".errors"):
            importlib.import_module(name)
    return sorted((kind for kind in _family(FairleadError) if kind.__module__.startswith("fairlead.")), key=lambda kind: kind.code)


@pytest.mark.parametrize("kind", _errors(), ids=lambda kind: kind.code)
def test_an_error_has_a_code_of_its_own_and_one_shape(kind: type[FairleadError]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.code)
    assert kind.exit_code in EXIT_CODES
    assert [other for other in _errors() if other.code == kind.code] == [kind]
    shown = (kind("nothing is wrong", (FairleadError("a part"),)) if issubclass(kind, Problems) else kind("it is wrong")).as_json()
    assert list(shown) == ["code", "what", "where", "mend", "docs"]
    assert shown["docs"].endswith(f"/reference/errors/{kind.code}/")


def test_every_error_that_is_raised_says_how_to_mend_it() -> None:
    names = {kind.__name__ for kind in _errors()} - {"Problems"} - UNSEEN
    silent = [
        place(path, node.lineno)
        for path, tree in trees().items()
        if "testing" not in path.parts
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and getattr(node.exc.func, "id", "") in names
        if not any(word.arg in ("mend", None) for word in node.exc.keywords)
    ]
    assert not silent, "\n".join(silent)


def test_the_command_line_tells_what_where_and_the_mend(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "fairlead.yaml"
    file.write_text("fairlead: 1\nsystem: a\nsystem: b\nrules: 7\n", encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["policy", "check", str(file)])
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert re.search(r"fairlead\.yaml:\d+: ", told)
    assert "  mend: " in told
    assert "  code: policy-" in told
    assert "Traceback" not in told
