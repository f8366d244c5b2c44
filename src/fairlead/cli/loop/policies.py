"""Working copies of the example's policy: with the upstream that is really asked, and one with a rule planted away."""

import shutil
from pathlib import Path
from typing import Any

import yaml

from fairlead.core import NotFound


def working_copy(source: Path, folder: Path, *, base_url: str, model: str, key: str) -> Path:
    """Write a policy whose upstream is the model of this demonstration; everything else is as it was.

    Args:
        source: The example's ``fairlead.yaml``; a ``tools.cedar`` beside it goes along.
        folder: Where the copy goes.
        base_url: Where the model is.
        model: Name of the model.
        key: Reference to its key, ``env:NAME``; empty when it needs none.

    Raises:
        NotFound: There is no such policy.
    """
    document = _read(source)
    upstream: dict[str, Any] = {"provider": "openai", "base_url": base_url, "model": model}
    if key:
        upstream["key"] = key
    document["upstream"] = {name: {**upstream} for name in document.get("upstream") or ("default",)}
    return _write(document, source, folder)


def without_rule(source: Path, folder: Path, rule: str) -> Path:
    """Write a policy without one rule.

    Args:
        source: A policy.
        folder: Where the copy goes.
        rule: Id of the rule.

    Raises:
        NotFound: The policy has no such rule.
    """
    document = _read(source)
    rules = document.get("rules") or []
    kept = [entry for entry in rules if entry.get("id") != rule]
    if len(kept) == len(rules):
        raise NotFound("the policy has no such rule", where=rule, mend="see `fairlead policy show`")
    document["rules"] = kept
    return _write(document, source, folder)


def rule_ids(source: Path) -> tuple[str, ...]:
    """Return the ids of a policy's rules, in its order."""
    return tuple(str(entry["id"]) for entry in _read(source).get("rules") or [])


def _read(source: Path) -> dict[str, Any]:
    if not source.is_file():
        raise NotFound("there is no such policy", where=str(source), mend="run this in a checkout of the repository, or give --example")
    document = yaml.safe_load(source.read_text(encoding="utf-8"))
    return document if isinstance(document, dict) else {}


def _write(document: dict[str, Any], source: Path, folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / "fairlead.yaml"
    draft = target.with_suffix(".draft")
    draft.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    draft.replace(target)
    cedar = source.with_name("tools.cedar")
    if cedar.is_file():
        shutil.copyfile(cedar, folder / "tools.cedar")
    return target
