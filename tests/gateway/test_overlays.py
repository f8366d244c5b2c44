"""Overlays in a gateway: each request has its own, an upstream or a place that may not be is refused, and a swap takes all of them."""

import json
from typing import Any

import pytest
from gateway_bench import POLICY
from gateway_door import USER, Answer, Door

from fairlead.core import FairleadError, InvalidInput
from fairlead.identity import ApiKey, publish_keys
from fairlead.wiring.data_plane import build_data_plane

CARD = "4111 1111 1111 1111"
MESSAGE = {"role": "assistant", "content": f"card {CARD}"}
REPLY = {"object": "chat.completion", "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}]}
SHOP = "fairlead: 1\noverlay: shop\nfor: {tenant: shop}\nrules:\n  - {id: no-mail, at: input, entity: email, do: block}\n"
EU = "fairlead: 1\noverlay: eu\nfor: {region: eu}\nupstreams: [default]\n"
FAR = "far: {provider: openai, models: [big], base_url: http://127.0.0.1:9/far}"
BASE = POLICY.replace("upstream: {", f"upstream: {{{FAR}, ") + "regions: {eu: [bank]}\n"


def started(door: Door, **overlays: str) -> dict[str, str]:
    """Start a door with overlays, and return a token for each of three tenants."""
    folder = door.folder / "overlays"
    folder.mkdir(exist_ok=True)
    for name, text in overlays.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    door.start(BASE)
    issued = {tenant: ApiKey.issue(tenant=tenant, name=tenant, scopes=("chat", "check")) for tenant in ("shop", "bank", "other")}
    publish_keys(door.settings.data_dir / "keys.json", tuple(key for key, _ in issued.values()))
    return {tenant: token for tenant, (_, token) in issued.items()}


def ask(door: Door, token: str, text: str = "hello", **extra: Any) -> Answer:
    door.upstream.script.append([json.dumps(REPLY).encode()])
    return door.ask({**USER, "messages": [{"role": "user", "content": text}], **extra}, token=token)


def test_a_tenant_has_its_own_rules_in_the_same_release(door: Door) -> None:
    tokens = started(door, shop=SHOP)
    blocked, passed = ask(door, tokens["shop"], "write to a@example.com"), ask(door, tokens["other"], "write to a@example.com")
    assert (blocked.status, passed.status) == (400, 200)
    assert blocked.headers["x-fairlead-release"] == passed.headers["x-fairlead-release"] == door.plane.serving.release.id
    (decision,) = door.decisions(blocked.headers["x-fairlead-exchange"])
    assert (decision.rule, decision.overlays) == ("no-mail", ("shop",))
    assert all(decision.overlays == () for decision in door.decisions(passed.headers["x-fairlead-exchange"]))


def test_the_decision_api_and_the_program_have_the_same_overlays(door: Door) -> None:
    tokens = started(door, shop=SHOP)
    for tenant, action in (("shop", "block"), ("other", "allow")):
        answer = door.ask({"stage": "input", "text": "write to a@example.com"}, path="/v1/guard/check", token=tokens[tenant])
        assert f'"action":"{action}"'.encode() in answer.body


def test_an_upstream_outside_the_permitted_ones_is_not_asked(door: Door) -> None:
    tokens = started(door, eu=EU)
    assert ask(door, tokens["bank"], model="big").status == 403
    assert door.upstream.requests == []
    assert ask(door, tokens["bank"], model="small").status == 200
    assert ask(door, tokens["other"], model="big").headers["x-fairlead-upstream"] == "far"
    with pytest.raises(FairleadError, match="does not permit this upstream"):
        door.plane.upstream(door.plane.serving_for("bank"), "far")


def test_records_that_may_not_be_kept_here_are_not_made(door: Door) -> None:
    tokens = started(door, eu=EU + "store: [eu]\n")
    assert ask(door, tokens["bank"]).status == 503
    assert (door.upstream.requests, door.decisions()) == ([], [])
    assert ask(door, tokens["other"]).status == 200


def test_a_base_that_may_be_kept_nowhere_near_here_does_not_start(door: Door) -> None:
    door.policy_file.write_text(POLICY.replace("UPSTREAM", "http://127.0.0.1:9") + "store: [eu]\n")
    with pytest.raises(InvalidInput, match="FAIRLEAD_REGION"):
        build_data_plane(door.settings, door.policy_file, "worker-0")


def test_a_changed_overlay_is_taken_over_whole_and_a_bad_one_changes_nothing(door: Door) -> None:
    tokens = started(door, shop=SHOP)
    path = door.folder / "overlays" / "shop.yaml"
    before = door.plane.serving.release.id
    path.write_text(SHOP + "unknown: allow\n")
    assert door.plane.policy_changed()
    with pytest.raises(FairleadError):
        door.plane.reload()
    assert (door.plane.serving.release.id, door.plane.health().policy_problem) == (before, "problems")
    assert ask(door, tokens["shop"], "write to a@example.com").status == 400
    path.write_text(SHOP.replace("do: block", "do: redact"))
    door.plane.reload()
    assert door.plane.serving.release.id != before
    assert ask(door, tokens["shop"], "write to a@example.com").status == 200
    assert door.upstream.requests[-1]["messages"][0]["content"] == "write to [EMAIL]"
    path.unlink()
    assert door.plane.policy_changed()
    door.plane.reload()
    assert door.plane.serving.release.chooser is None
