"""A folder with a suite, an attack set and a target, and the command line to run them; for tests of commands that measure."""

from pathlib import Path

import msgspec
import pytest

from fairlead.cli import main
from fairlead.evals import Case, write_case
from fairlead.testing.targets import made_case

TARGET = """
from fairlead.evals import Effect, Observation

class Mine:
    name = "mine"

    def __init__(self, guarded=True):
        self.guarded = guarded

    def run(self, case):
        release = "sha256:" + "a" * 64 if self.guarded else ""
        if case.kind == "unsafe" and (not self.guarded or case.id in FAILS):
            return Observation(reply="x", blocked=False, effects=(Effect(tool="send_email", arguments={}),), release=release)
        return Observation(reply="ok", blocked=False, delivered=case.id not in LOST, release=release)
"""
SUITE = """suite: small
cases: cases.jsonl
target: target.py:Mine
claims:
  - {id: stopped, metric: attack_success, at_most: 10%}
  - {id: calm, metric: false_positive_rate, at_most: 10%}
"""


class Desk:
    """A folder with a suite, an attack set and a target whose failures a test chooses."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        attacks = [msgspec.structs.replace(made_case(number), goal="mail") for number in range(40)]
        self._write("cases.jsonl", [*attacks, *(made_case(number, "benign") for number in range(40))])
        self._write("attacks.jsonl", attacks)
        (folder / "suite.yaml").write_text(SUITE)
        (folder / "attacks.yaml").write_text("suite: attacks\ncases: attacks.jsonl\ntarget: target.py:Mine\nclaims: []\n")
        self.target()

    def target(self, fails: tuple[str, ...] = (), lost: tuple[str, ...] = ()) -> None:
        (self.folder / "target.py").write_text(f"FAILS = {fails!r}\nLOST = {lost!r}\n{TARGET}")

    def _write(self, name: str, cases: list[Case]) -> None:
        (self.folder / name).write_bytes(b"".join(write_case(case) for case in cases))

    def incident(self, case: Case) -> None:
        (self.folder / "incidents").mkdir()
        self._write("incidents/one.jsonl", [case])

    def __call__(self, *words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main([str(self.folder / word) if word.startswith("./") else word for word in words])
        shown = self._capsys.readouterr()
        assert isinstance(left.value.code, int)
        return left.value.code, shown.out, shown.err
