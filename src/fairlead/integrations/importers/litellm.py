"""The configuration of LiteLLM's proxy as a policy.

What its guardrails did is enforced; the rules of the shipped default policy run in shadow beside them, so that live Decisions show what
the old guard let pass before anything more is stopped. Shapes: LiteLLM documentation, "Proxy config", "Guardrails quick start",
"PII masking, Presidio" and "Fallbacks" (read November 2026).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from fairlead.integrations.importers.litellm_guardrails import DEFAULT_RULES, guardrail
from fairlead.integrations.importers.model import Imported, Note, flow, lines_of, read_yaml

_PROVIDERS = {"openai": "openai", "hosted_vllm": "openai", "openai_like": "openai", "custom_openai": "openai", "anthropic": "anthropic"}
"""LiteLLM's providers whose servers speak one of the two APIs; the others need a server between that does."""
_OWN_SERVERS = frozenset({"openai", "anthropic"})
"""Providers whose models need no address."""
_MAX_RETRIES = 5
_PLAIN = re.compile(r"[!-~](?:[ -~]{0,198}[!-~])?\Z")
"""What a model may be called in a policy."""
_ADDRESS = re.compile(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?\Z", re.ASCII)
_VARIABLE = re.compile(r"os\.environ/([A-Za-z_][A-Za-z0-9_]*)\Z")
_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
_LEFT_OUT = {
    "general_settings": "keys, databases and admin passwords are made anew: `fairlead key create`, `fairlead account create`",
    "environment_variables": "set them where the gateway runs",
    "litellm_settings.callbacks": "Decisions are in the journal and in OpenTelemetry: set FAIRLEAD_OTLP_ENDPOINT",
    "litellm_settings.success_callback": "Decisions are in the journal and in OpenTelemetry: set FAIRLEAD_OTLP_ENDPOINT",
    "litellm_settings.failure_callback": "Decisions are in the journal and in OpenTelemetry: set FAIRLEAD_OTLP_ENDPOINT",
    "litellm_settings.cache": "answers are not kept",
    "router_settings.routing_strategy": "an upstream's fallbacks are asked in their order",
}
"""Settings that have no place in a policy, and what stands in for them."""


class _Model(NamedTuple):
    """One deployment that can be carried over."""

    upstream: str
    asked_as: str
    """The name that clients use."""
    entry: dict[str, object]


def from_litellm(text: str, where: str) -> Imported:
    """Return a policy that does what a LiteLLM proxy did.

    Args:
        text: Its ``config.yaml``.
        where: What to call the file in an error.

    Raises:
        InvalidInput: No YAML mapping, or no model that can be carried over.
    """
    config = read_yaml(text, where)
    notes: list[Note] = []
    models = _with_fallbacks(_models(config, notes), config, notes)
    rules: list[Mapping[str, object]] = []
    for name, params in _guardrails(config):
        found, note = guardrail(name, params)
        rules += [rule for rule in found if rule["id"] not in {one["id"] for one in rules}]
        notes.append(note)
    notes += _left_out(config)
    return Imported(_policy(models, rules), tuple(notes))


def _models(config: Mapping[str, object], notes: list[Note]) -> list[_Model]:
    found: list[_Model] = []
    retries, timeout = _setting(config, "num_retries"), _setting(config, "request_timeout", "timeout")
    for index, deployment in enumerate(_list(config.get("model_list"))):
        entry = _mapping(deployment)
        params, asked_as = _mapping(entry.get("litellm_params")), _text(entry.get("model_name"))
        what = f"model_list.{asked_as or index}"
        provider, _, model = _text(params.get("model")).rpartition("/") if "/" in _text(params.get("model")) else ("openai", "", "")
        model = model or _text(params.get("model"))
        provider, base_url = provider.partition("/")[0], _text(params.get("api_base"))
        if problem := _unfit(provider, model, asked_as, base_url):
            notes.append(Note(what, f"no upstream: {problem}", carried=False))
            continue
        name = "default" if not found else _unused(_NAME.sub("-", (asked_as or model)[:60]).strip("-._") or f"model-{index}", found)
        upstream: dict[str, object] = {"provider": _PROVIDERS[provider], "model": model, "models": [asked_as or model]}
        key, problem = _key(_text(params.get("api_key")), name)
        upstream |= {"base_url": base_url} if base_url else {}
        upstream |= {"key": key} if key else {}
        upstream |= {"retries": min(retries, _MAX_RETRIES)} if retries else {}
        upstream |= {"timeout_s": timeout} if timeout else {}
        found.append(_Model(name, asked_as or model, upstream))
        notes.append(Note(what, f"upstream {name}{problem}", carried=not problem))
        if "rpm" in params or "tpm" in params:
            became = "limits are per API key and stand in 'limits', not at a model; none was set"
            notes.append(Note(f"{what}.rpm/tpm", became, carried=False))
    return found


def _unfit(provider: str, model: str, asked_as: str, base_url: str) -> str:
    """Return why a deployment can't be carried over; empty when it can."""
    if provider not in _PROVIDERS:
        return "its server speaks neither OpenAI's API nor Anthropic's Messages"
    if base_url and not _ADDRESS.match(base_url):
        return "its address is not in the file, or no plain one"
    if not base_url and provider not in _OWN_SERVERS:
        return "its address is not in the file"
    return "" if _PLAIN.match(model) and _PLAIN.match(asked_as or model) else "its name is no plain one"


def _key(value: str, name: str) -> tuple[str, str]:
    """Return a reference to a key, and what is to be done about it."""
    if named := _VARIABLE.match(value):
        return f"env:{named[1]}", ""
    if not value:
        return "", ""
    variable = f"MODEL_{re.sub('[^A-Z0-9]', '_', name.upper())}_API_KEY"
    return f"env:{variable}", f"; its key stood in the file: set {variable} to it, and make a new one soon"


def _with_fallbacks(models: list[_Model], config: Mapping[str, object], notes: list[Note]) -> list[_Model]:
    groups = {model.asked_as: [one for one in models if one.asked_as == model.asked_as] for model in models}
    wanted: dict[str, list[str]] = {}
    for section in ("litellm_settings", "router_settings"):
        for pair in _list(_mapping(config.get(section)).get("fallbacks")):
            for asked_as, others in _mapping(pair).items():
                wanted.setdefault(asked_as, []).extend(_text(other) for other in _list(others))
    out = []
    for model in models:
        siblings = [one for one in groups[model.asked_as] if one.upstream != model.upstream]
        others = [one for name in wanted.get(model.asked_as, []) for one in groups.get(name, [])]
        fits = [one.upstream for one in (*siblings, *others) if one.entry["provider"] == model.entry["provider"] and one != model]
        out.append(model._replace(entry={**model.entry, **({"fallback": list(dict.fromkeys(fits))} if fits else {})}))
    for asked_as, names in wanted.items():
        lost = [
            name
            for name in names
            if not any(one.entry["provider"] == two.entry["provider"] for one in groups.get(asked_as, []) for two in groups.get(name, []))
        ]
        became = f"not for {', '.join(lost)}: no such upstream here, or it speaks another API" if lost else "fallback"
        notes.append(Note(f"fallbacks.{asked_as}", became, carried=not lost))
    return out


def _guardrails(config: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
    for index, entry in enumerate(_list(config.get("guardrails"))):
        yield _text(_mapping(entry).get("guardrail_name")) or f"guardrail-{index}", _mapping(_mapping(entry).get("litellm_params"))
    settings = _mapping(config.get("litellm_settings"))
    for entry in _list(settings.get("guardrails")):
        for name, old in _mapping(entry).items():
            for callback in _list(_mapping(old).get("callbacks")):
                yield name, {"guardrail": callback, "mode": "pre_call", "default_on": _mapping(old).get("default_on", False)}
    for callback in _list(settings.get("callbacks")):
        if callback in ("detect_prompt_injection", "presidio", "hide_secrets"):
            yield str(callback), {"guardrail": callback, "mode": "pre_call", "default_on": True}


def _left_out(config: Mapping[str, object]) -> Iterator[Note]:
    for what, became in _LEFT_OUT.items():
        section, _, key = what.partition(".")
        if (key in _mapping(config.get(section))) if key else section in config:
            yield Note(what, became, carried=False)
    yield Note("tool calls", "LiteLLM let all pass; what 'tools' does not list is denied here: `fairlead policy draft`", carried=False)


def _policy(models: Sequence[_Model], rules: Sequence[Mapping[str, object]]) -> str:
    upstream = [f"  {model.upstream}: {flow(model.entry)}" for model in models] or ["  default: {provider: openai}"]
    shadowed = [rule for rule in DEFAULT_RULES if rule["id"] not in {one["id"] for one in rules}]
    return "\n".join(
        [
            "# Made from a LiteLLM configuration. Set system, owner and tier; read what did not carry over.",
            *("fairlead: 1", "system: imported", "owner: unassigned", "tier: limited", "capture: none", "audit: strict", "unknown: scan"),
            *("upstream:", *upstream),
            "# First what the old guardrails did; then, in shadow, what they let pass: remove 'mode: shadow' once its Decisions are right.",
            *lines_of("rules", [*rules, *shadowed]),
            "tools: []",
            "",
        ]
    )


def _unused(name: str, models: Sequence[_Model]) -> str:
    taken, number, free = {model.upstream for model in models}, 2, name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free


def _setting(config: Mapping[str, object], *names: str) -> int:
    """Return a whole number of one of these names in either section of settings; 0 when there is none."""
    for section in ("litellm_settings", "router_settings"):
        for name in names:
            value = _mapping(config.get(section)).get(name)
            if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
                return max(1, int(value))
    return 0


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> dict[str, object]:
    return {key: entry for key, entry in value.items() if isinstance(key, str)} if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
