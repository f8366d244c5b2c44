"""Plug-ins: a distribution that is installed brings a detector; one that is broken stops the start, with its name."""

import sys
from pathlib import Path

import pytest

from fairlead.core import Segment
from fairlead.detectors import PluginFailed, Registry
from fairlead.guard import DetectJob, run_detectors
from fairlead.policy import compile_release, load_policy

DETECTOR = '''
from fairlead.detectors import Hit


class Codenames:
    """Finds names of secret projects."""

    id = "codenames@1"
    runs = "whole"
    hazards = ("data_exfiltration",)

    def detect(self, text, origin):
        found = []
        for reading in text.readings:
            place = reading.text.find("BLUEHERON")
            if place >= 0:
                found.append(Hit(place, place + 9, "data_exfiltration", "codename", 0.9).seen_in(reading))
        return found
'''
POLICY = """\
fairlead: 1
system: s
owner: o
tier: high
upstream: {default: {provider: openai, key: env:OPENAI_API_KEY}}
rules:
  - {id: no-codenames, at: input, hazard: data_exfiltration, detector: codenames, threshold: 0.5, do: block}
"""


def install(folder: Path, name: str, entry: str, module: str) -> None:
    """Lay a distribution down as an installer does."""
    module_name = entry.partition(":")[0]
    (folder / f"{module_name}.py").write_text(module)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[fairlead.detectors]\n{name} = {entry}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_an_installed_plug_in_is_named_in_a_policy_and_finds(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "acme-codenames", "acme_codenames:Codenames", DETECTOR)
    monkeypatch.delitem(sys.modules, "acme_codenames", raising=False)
    registry = Registry.load()
    assert "codenames@1" in registry.ids()
    release = compile_release(load_policy("fairlead.yaml", POLICY, registry), registry)
    segment = Segment(path="/x", origin="user", stage="input", text="all about %42LUEHERON, please")
    detected = run_detectors(DetectJob((segment,), release.detectors_at("input"), release.scanner_at("input")))
    (finding,) = detected.findings
    assert (finding.detector, finding.view, finding.span) == ("codenames@1", "url", (10, 21))
    ruling = release.decide("input", detected.findings)
    assert (ruling.verdict, ruling.rule) == ("block", "no-codenames")


@pytest.mark.parametrize(
    ("module", "why"),
    [
        ("import nothing_of_that_name\n", "ModuleNotFoundError"),
        ("raise RuntimeError('boom')\n", "RuntimeError"),
        ("class Other: ...\n", "AttributeError"),
        ("class Codenames:\n    def __init__(self):\n        raise OSError\n", "OSError"),
    ],
)
def test_a_broken_plug_in_stops_the_start_and_is_named(site: Path, module: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "acme-broken", "acme_broken:Codenames", module)
    monkeypatch.delitem(sys.modules, "acme_broken", raising=False)
    with pytest.raises(PluginFailed, match=why) as refused:
        Registry.load()
    assert refused.value.where == "acme_broken:Codenames"
    assert refused.value.mend


def test_a_plug_in_that_fails_in_use_is_errored_and_never_a_pass(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = DETECTOR.replace("found = []", "raise ValueError")
    install(site, "acme-fails", "acme_fails:Codenames", broken)
    monkeypatch.delitem(sys.modules, "acme_fails", raising=False)
    plugin = next(detector for detector in Registry.load().all() if detector.id == "codenames@1")
    segment = Segment(path="/x", origin="user", stage="input", text="hello")
    detected = run_detectors(DetectJob((segment,), (plugin,)))
    assert detected.failed
    assert [(entry.status, entry.detectors) for entry in detected.coverage] == [("errored", ("codenames@1",))]
