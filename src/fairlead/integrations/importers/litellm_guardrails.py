"""LiteLLM's guardrails as rules."""

from collections.abc import Mapping

from fairlead.integrations.importers.model import Note

Rule = Mapping[str, object]

_REQUEST = ["input", "retrieval", "tool_result"]
_STAGES: Mapping[str, list[str]] = {"pre_call": _REQUEST, "during_call": _REQUEST, "post_call": ["output"]}
"""What a mode looks at; LiteLLM reads all messages of a request alike."""

_ENTITIES = {
    "AU_ABN": "au_abn",
    "AU_MEDICARE": "au_medicare",
    "AU_TFN": "au_tfn",
    "CREDIT_CARD": "payment_card",
    "CRYPTO": "crypto_address",
    "EMAIL_ADDRESS": "email",
    "ES_NIE": "es_nie",
    "ES_NIF": "es_dni",
    "FI_PERSONAL_IDENTITY_CODE": "fi_hetu",
    "IBAN_CODE": "iban",
    "IN_AADHAAR": "in_aadhaar",
    "IN_PAN": "in_pan",
    "IN_PASSPORT": "passport",
    "IP_ADDRESS": "ip_address",
    "IT_DRIVER_LICENSE": "driving_licence",
    "IT_FISCAL_CODE": "it_codice_fiscale",
    "IT_PASSPORT": "passport",
    "KR_RRN": "kr_rrn",
    "MAC_ADDRESS": "mac_address",
    "PHONE_NUMBER": "phone",
    "PL_PESEL": "pl_pesel",
    "SG_NRIC_FIN": "sg_nric",
    "TH_TNIN": "th_pin",
    "UK_NHS": "gb_nhs",
    "UK_NINO": "gb_nino",
    "US_BANK_NUMBER": "bank_account",
    "US_DRIVER_LICENSE": "driving_licence",
    "US_ITIN": "us_itin",
    "US_PASSPORT": "passport",
    "US_SSN": "us_ssn",
}
"""Presidio's entities that have a pattern here. Names of people and places are found by `detectors:` of kind presidio, spacy or gliner."""

DEFAULT_RULES: tuple[Rule, ...] = tuple(
    {**rule, "mode": "shadow"}
    for rule in (
        {"id": "no-secrets-in", "at": ["input", "memory", "handoff"], "entity": "secret", "do": "block", "say": "refusal.secret"},
        {"id": "no-secrets-from-data", "at": ["retrieval", "tool_result", "tool_definition"], "entity": "secret", "do": "redact"},
        {"id": "no-secrets-out", "at": ["output", "tool_call"], "entity": "secret", "do": "block", "say": "refusal.secret"},
        {
            "id": "no-personal-data-out",
            "at": ["output"],
            "entity": ["email", "phone", "payment_card", "iban", "bank_account", "government_id", "national_id"],
            "do": "redact",
        },
        {
            "id": "no-injection",
            "at": ["retrieval", "tool_result", "tool_definition", "memory", "handoff"],
            "hazard": "prompt_injection",
            "detector": "injection-rules",
            "threshold": 0.7,
            "do": "block",
        },
        {"id": "no-jailbreak", "at": ["input"], "hazard": "jailbreak", "detector": "injection", "max_fpr": 0.005, "do": "block"},
        {"id": "no-harmful-request", "at": ["input"], "hazard": "harmful_request", "max_fpr": 0.005, "do": "block"},
    )
)
"""What the shipped default policy does, to be looked at first."""

_SECRETS = frozenset({"hide-secrets", "hide_secrets"})
_INJECTION = frozenset({"lakera", "lakera_v2", "lakera_prompt_injection", "detect_prompt_injection", "prompt_injection"})
_ADAPTERS = {
    "openai_moderation": "openai-moderation",
    "azure/prompt_shield": "azure-prompt-shields",
    "azure/text_moderations": "azure-content-safety",
}
"""Services that a policy can ask too, and the kind of detector that asks them."""


def guardrail(name: str, params: Mapping[str, object]) -> tuple[list[Rule], Note]:
    """Return what a guardrail did, as rules, and what became of it.

    Args:
        name: Its name.
        params: Its ``litellm_params``.
    """
    kind, what = str(params.get("guardrail", "")), f"guardrails.{name}"
    stages = _stages(params.get("mode"))
    slug = "".join(character if character.isascii() and character.isalnum() else "-" for character in name[:60]).strip("-") or "guardrail"
    if not stages:
        return [], Note(what, "nothing: no content is logged, so there is nothing to mask in a log", carried=False)
    rules: list[Rule] = []
    lost = ""
    if kind == "presidio":
        rules, lost = _presidio(slug, params, stages)
    elif kind in _SECRETS:
        rules = [{"id": slug, "at": stages, "entity": "secret", "do": "redact"}]
    elif kind in _INJECTION:
        lost = "judged by Fairlead's own heads, not by the service that was asked before"
        asked = {"id": slug, "at": ["input"], "hazard": "jailbreak", "detector": "injection", "max_fpr": 0.005, "do": "block"}
        data = {"at": ["retrieval", "tool_result"], "hazard": "prompt_injection", "detector": "injection-rules", "threshold": 0.7}
        rules = [asked, {"id": f"{slug}-in-data", **data, "do": "block"}]
    if not rules:
        adapter = _ADAPTERS.get(kind)
        mend = f"declare it under 'detectors' as kind {adapter}" if adapter else "write a detector, or ask it by a rule's 'detector'"
        return [], Note(what, f"nothing: {mend}", carried=False)
    if params.get("default_on") is not True:
        rules = [{**rule, "mode": "shadow"} for rule in rules]
        lost = "; ".join(filter(None, (lost, "it ran only where a request asked for it; here it runs always, in shadow")))
    return rules, Note(what, f"rules {', '.join(str(rule['id']) for rule in rules)}{f'; {lost}' if lost else ''}", carried=not lost)


def _presidio(slug: str, params: Mapping[str, object], stages: list[str]) -> tuple[list[Rule], str]:
    chosen = params.get("pii_entities_config")
    if not isinstance(chosen, dict) or not chosen:
        return [{"id": slug, "at": stages, "entity": "pii", "do": "redact"}], "names of people and places need a detector of kind presidio"
    rules: list[Rule] = []
    for action, do in (("BLOCK", "block"), ("MASK", "redact")):
        wanted = [entity for entity, value in chosen.items() if str(value).upper() == action]
        entities = sorted({_ENTITIES[entity] for entity in wanted if entity in _ENTITIES})
        if entities:
            rules.append({"id": f"{slug}-{do}", "at": stages, "entity": entities, "do": do})
    lost = sorted(str(entity) for entity in chosen if entity not in _ENTITIES)
    return rules, f"not found by a pattern here: {', '.join(lost)}" if lost else ""


def _stages(mode: object) -> list[str]:
    modes = mode if isinstance(mode, list) else [mode or "pre_call"]
    return list(dict.fromkeys(stage for one in modes for stage in _STAGES.get(str(one), [])))
