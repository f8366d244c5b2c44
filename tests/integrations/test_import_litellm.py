"""A LiteLLM configuration becomes a policy that compiles, does what its guardrails did, and says what did not carry over."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.cli import main
from fairlead.core import InvalidInput
from fairlead.detectors import Registry
from fairlead.integrations.importers import IMPORTERS, Imported
from fairlead.policy import PolicyDocument, compile_release, load_policy

CONFIG = """\
model_list:
  - model_name: fast
    litellm_params: {model: openai/small-1, api_key: os.environ/OPENAI_API_KEY, rpm: 60}
  - model_name: fast
    litellm_params: {model: hosted_vllm/small-2, api_base: "http://10.0.0.5:8000/v1"}
  - model_name: clever
    litellm_params: {model: anthropic/large-1, api_key: sk-ant-literal}
  - model_name: spare
    litellm_params: {model: openai/org/large-2, api_key: os.environ/SPARE_KEY}
  - model_name: cloud
    litellm_params: {model: bedrock/titan}
litellm_settings:
  num_retries: 9
  request_timeout: 600
  fallbacks: [{fast: [spare, clever]}]
  success_callback: [langfuse]
general_settings: {master_key: sk-1234}
guardrails:
  - guardrail_name: pii
    litellm_params:
      guardrail: presidio
      mode: [pre_call, post_call]
      default_on: true
      pii_entities_config: {CREDIT_CARD: BLOCK, EMAIL_ADDRESS: MASK, PERSON: MASK}
  - guardrail_name: keys
    litellm_params: {guardrail: hide-secrets, mode: pre_call, default_on: true}
  - guardrail_name: shield
    litellm_params: {guardrail: lakera_v2, mode: during_call}
  - guardrail_name: house
    litellm_params: {guardrail: custom_guard.Ours, mode: pre_call}
  - guardrail_name: logs
    litellm_params: {guardrail: presidio, mode: logging_only}
"""


def imported(text: str) -> Imported:
    return IMPORTERS["litellm"](text, "config.yaml")


REGISTRY = Registry.load()


def compiled(text: str) -> PolicyDocument:
    policy = load_policy("fairlead.yaml", text, REGISTRY)
    compile_release(policy, REGISTRY)
    return policy.document


def test_models_become_upstreams_that_clients_ask_for_by_the_old_names() -> None:
    upstreams = compiled(imported(CONFIG).policy).upstream
    assert {name: (one.provider, one.model, one.models) for name, one in upstreams.items()} == {
        "default": ("openai", "small-1", ("fast",)),
        "fast": ("openai", "small-2", ("fast",)),
        "clever": ("anthropic", "large-1", ("clever",)),
        "spare": ("openai", "large-2", ("spare",)),
    }
    assert upstreams["default"].fallback == ("fast", "spare")
    assert (upstreams["default"].retries, upstreams["default"].timeout_s) == (5, 600)
    assert upstreams["fast"].base_url == "http://10.0.0.5:8000/v1"
    assert (upstreams["default"].key, upstreams["clever"].key) == ("env:OPENAI_API_KEY", "env:MODEL_CLEVER_API_KEY")


def test_guardrails_become_rules_that_enforce_what_they_did_and_the_rest_runs_in_shadow() -> None:
    rules = {rule.id: rule for rule in compiled(imported(CONFIG).policy).rules}
    assert (rules["pii-block"].entity, rules["pii-block"].do, rules["pii-block"].mode) == (("payment_card",), "block", "enforce")
    assert (rules["pii-redact"].entity, rules["pii-redact"].do) == (("email",), "redact")
    assert set(rules["pii-redact"].at) == {"input", "retrieval", "tool_result", "output"}
    assert rules["keys"].entity == ("secret",)
    assert rules["shield"].mode == "shadow"  # nobody but requests that asked for it ran it
    assert {name for name, rule in rules.items() if rule.mode == "enforce"} == {"pii-block", "pii-redact", "keys"}


def test_what_did_not_carry_over_is_told() -> None:
    notes = {note.what: note for note in imported(CONFIG).notes}
    assert {what for what, note in notes.items() if note.carried} == {"model_list.fast", "model_list.spare", "guardrails.keys"}
    for what, words in (
        ("guardrails.pii", "PERSON"),
        ("guardrails.house", "write a detector"),
        ("guardrails.logs", "no content is logged"),
        ("model_list.cloud", "no upstream"),
        ("model_list.clever", "set MODEL_CLEVER_API_KEY"),
        ("fallbacks.fast", "clever"),
        ("general_settings", "key create"),
        ("tool calls", "denied"),
    ):
        assert words in notes[what].became, what
    everything = imported(CONFIG).policy + " ".join(note.became for note in notes.values())
    assert "sk-ant-literal" not in everything
    assert "sk-1234" not in everything


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "just words", "\x00", "a" * 1_000_001, "&a [*a"])
def test_what_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        imported(text)
    assert refused.value.where.startswith("config.yaml")


_WORDS = st.sampled_from(
    ["model_name", "litellm_params", "model", "api_base", "guardrail", "mode", "fallbacks", "pii_entities_config", "x"]
)
_LEAVES = st.none() | st.booleans() | st.integers() | st.sampled_from(["openai/a", "presidio", "pre_call", "MASK", "a b", "é", "", "on"])
_VALUES = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=4), max_leaves=12)
_SECTIONS = st.sampled_from(["model_list", "guardrails", "litellm_settings", "router_settings", "general_settings"])


@settings(max_examples=60)
@given(st.dictionaries(_SECTIONS, _VALUES, max_size=5))
def test_any_configuration_gives_a_valid_policy(config: dict[str, object]) -> None:
    load_policy("fairlead.yaml", imported(yaml.safe_dump(config)).policy, REGISTRY)


_MODELS = st.fixed_dictionaries(
    {
        "model_name": st.text(max_size=12) | st.sampled_from(["a", "default"]),
        "litellm_params": st.fixed_dictionaries(
            {"model": st.sampled_from(["openai/a", "anthropic/b", "c", "azure/d", "NULL", "Yes"]) | st.text(max_size=8)},
            optional={"api_key": st.sampled_from(["os.environ/K", "sk-1"]), "api_base": st.just("http://127.0.0.1:1/v1")},
        ),
    }
)


@settings(max_examples=60)
@given(
    st.lists(_MODELS, max_size=5),
    st.dictionaries(st.sampled_from(["a", "default", "b"]), st.lists(st.sampled_from(["a", "b"])), max_size=2),
)
def test_any_list_of_models_gives_a_valid_policy(models: list[dict[str, object]], fallbacks: dict[str, list[str]]) -> None:
    config = {"model_list": models, "router_settings": {"fallbacks": [{name: others} for name, others in fallbacks.items()]}}
    load_policy("fairlead.yaml", imported(yaml.safe_dump(config)).policy, REGISTRY)


def test_the_command_writes_a_policy_and_overwrites_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, out = tmp_path / "config.yaml", tmp_path / "fairlead.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["import", "litellm", str(config), "--out", str(out)])
    assert ended.value.code == 0
    assert "look at this  guardrails.house" in capsys.readouterr().err
    compiled(out.read_text(encoding="utf-8"))
    with pytest.raises(SystemExit) as ended:
        main(["import", "litellm", str(config), "--out", str(out)])
    assert ended.value.code != 0
    assert "there already" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["import", "litellm", str(config), "--json"])
    assert set(json.loads(capsys.readouterr().out)) == {"policy", "notes"}
