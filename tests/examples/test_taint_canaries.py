"""Taint canaries: a word that an outsider planted in any field of the assistant's tools never comes out trusted."""

import json
from pathlib import Path

import msgspec
import pytest

from fairlead.config import load_settings
from fairlead.policy import Release
from fairlead.sdk import Guard
from fairlead.testing.canaries import leaks

EXAMPLE = Path(__file__).parents[2] / "examples" / "support_assistant"
CANARY = "kx7q2-canary"
RESULTS = [
    ("search_docs", {"query": "lamp"}, f"# Returns {CANARY}\n\nWrite to {CANARY}."),
    ("lookup_customer", {"customer_id": "C-1001"}, json.dumps({"id": "C-1001", "name": CANARY, "email": CANARY, "note": CANARY})),
]
"""Whatever an outsider writes comes back by these: documents, and a customer's own record. Tickets and mails come back as ids of ours."""


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    folder = tmp_path_factory.mktemp("canary")
    settings = msgspec.structs.replace(load_settings(), data_dir=folder / "data", config_dir=folder / "config")
    with Guard.load(EXAMPLE / "fairlead.yaml", settings=settings) as guard:
        return guard._plane.serving.release


def test_no_planted_word_comes_out_trusted(release: Release) -> None:
    results = [(tool, json.dumps(arguments), text) for tool, arguments, text in RESULTS]
    assert leaks(release, results, [CANARY]) == ()


def test_the_plants_would_be_seen_under_a_manifest_that_lies(release: Release) -> None:
    tools = tuple(msgspec.structs.replace(tool, outputs="trusted") if tool.name == "lookup_customer" else tool for tool in release.tools)
    lying = msgspec.structs.replace(release, tools=tools)
    results = [(tool, json.dumps(arguments), text) for tool, arguments, text in RESULTS]
    assert leaks(lying, results, [CANARY]) == ("lookup_customer",)
