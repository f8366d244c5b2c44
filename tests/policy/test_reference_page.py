"""The reference page of the policy file names every key that there is."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from fairlead.policy import latency, limits, model
from fairlead.policy.cases import ExpectDocument, PolicyCase
from fairlead.policy.retrieval import RequireDocument, RetrievalDocument

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "policy.md").read_text(encoding="utf-8")
MODELS = [
    model.PolicyDocument,
    model.UpstreamDocument,
    model.DetectorDocument,
    model.PointDocument,
    model.RuleDocument,
    model.Constraint,
    model.WhenDocument,
    model.EntityDocument,
    model.ToolDocument,
    model.McpServerDocument,
    model.McpDocument,
    RetrievalDocument,
    RequireDocument,
    limits.LimitsDocument,
    limits.PerDocument,
    limits.PriceDocument,
    limits.ToolLimitsDocument,
    latency.LatencyDocument,
    latency.ZoneDocument,
    model.IncidentWhen,
    model.IncidentDocument,
    PolicyCase,
    ExpectDocument,
]


@pytest.mark.parametrize("document", MODELS, ids=lambda document: document.__name__)
def test_every_key_is_documented(document: type[BaseModel]) -> None:
    keys = [field.alias or name for name, field in document.model_fields.items()]
    assert [key for key in keys if f"`{key}" not in PAGE] == []
