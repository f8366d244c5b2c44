"""The redaction service: the policy's rules on texts and JSON, at the gateway and in process."""

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from gateway_bench import POLICY
from gateway_door import Door
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead import Guard
from fairlead.detectors import Registry
from fairlead.guard import GuardUnavailable, NothingToRedact
from fairlead.identity import ApiKey, publish_keys
from fairlead.testing.guards import FailingDetector
from fairlead.wire import pointers_in, texts_in, with_texts
from fairlead.wire.fields import Text

CARD, SECRET, MAIL = "4111 1111 1111 1111", "AKIA" + "IOSFODNN7EXAMPLQ", "bob@example.org"
RULES = POLICY.replace(
    "rules:\n",
    "rules:\n"
    "  - {id: masked, at: output, entity: iban, do: redact, operator: partial}\n"
    "  - {id: seen, at: output, entity: phone, do: flag}\n"
    "  - {id: injection, at: retrieval, hazard: prompt_injection, threshold: 0.9, do: block}\n",
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with ExitStack() as stack:
        yield Door(stack, tmp_path_factory.mktemp("door")).start(RULES)


@pytest.fixture(scope="module")
def guard(served: Door) -> Iterator[Guard]:
    with Guard.load(served.policy_file, tenant="t1", settings=served.settings) as opened:
        yield opened


def ask(door: Door, status: int = 200, **body: Any) -> dict[str, Any]:
    answer = door.ask(body, path="/v1/redact")
    assert answer.status == status, answer.body
    found: dict[str, Any] = json.loads(answer.body)
    return found


def test_a_text_is_redacted_and_what_was_replaced_is_told_without_content(served: Door) -> None:
    text = f"{MAIL} paid with {CARD} from DE89 3704 0044 0532 0130 00, call +49 30 901820"
    answer = ask(served, text=text)
    assert answer["redacted"] == "[EMAIL] paid with [PAYMENT_CARD] from **** **** **** **** **30 00, call +49 30 901820"
    assert answer["action"] == "redact"
    assert {(one["entity"], text[slice(*one["span"])]) for one in answer["replaced"]} >= {("email", MAIL), ("payment_card", CARD)}
    assert {one["path"] for one in answer["replaced"]} == {"/text"}
    assert MAIL not in json.dumps(answer)
    (decision,) = served.decisions(answer["exchange"])
    assert (decision.id, decision.action, decision.tenant) == (answer["decision"], "redact", "t1")


def test_what_a_rule_would_stop_is_replaced_too(served: Door) -> None:
    assert ask(served, text=f"the key {SECRET}!")["redacted"] == "the key [AWS_ACCESS_KEY]!"
    hidden = base64.b64encode(f"key={SECRET};".encode()).decode()
    assert ask(served, text=f"see {hidden} there")["redacted"] == "see [AWS_ACCESS_KEY] there"


def test_every_leaf_and_key_of_json_is_read(served: Door) -> None:
    document = {"a": [f"x {MAIL}", 4111111111111111, 7, None, True, 1.5], MAIL: {"b/c": CARD}, "n": {}}
    answer = ask(served, json=document)
    assert answer["redacted"] == {
        "a": ["x [EMAIL]", "[PAYMENT_CARD]", 7, None, True, 1.5],
        "[EMAIL]": {"b/c": "[PAYMENT_CARD]"},
        "n": {},
    }
    told = [(one["path"], one["entity"], one.get("key", False)) for one in answer["replaced"]]
    assert sorted(told) == [
        ("/json/[EMAIL]", "email", True),
        ("/json/[EMAIL]/b~1c", "payment_card", False),
        ("/json/a/0", "email", False),
        ("/json/a/1", "payment_card", False),
    ]
    # A key is a text: the record names it by its place.
    assert MAIL.encode() not in served.files()


def test_keys_are_left_when_asked_and_the_record_says_so(served: Door) -> None:
    answer = ask(served, json={MAIL: MAIL}, keys=False)
    assert answer["redacted"] == {MAIL: "[EMAIL]"}
    (decision,) = served.decisions(answer["exchange"])
    assert [(entry.path, entry.status) for entry in decision.coverage] == [("/json/#0", "ran"), ("/json/#0#key", "skipped")]


def test_keys_that_become_alike_lose_no_value(served: Door) -> None:
    redacted = ask(served, json={"a@example.org": 1, "b@example.org": 2, "c@example.org": 3})["redacted"]
    assert redacted == {"[EMAIL]": 1, "[EMAIL] (2)": 2, "[EMAIL] (3)": 3}


def test_a_batch_is_one_exchange(served: Door) -> None:
    answer = ask(served, batch=[f"to {MAIL}", {"x": CARD}, "clean"])
    assert answer["redacted"] == ["to [EMAIL]", {"x": "[PAYMENT_CARD]"}, "clean"]
    assert [one["path"] for one in answer["replaced"]] == ["/batch/0", "/batch/1/x"]
    assert len(served.decisions(answer["exchange"])) == 1


def test_clean_text_comes_back_as_it_was(served: Door) -> None:
    answer = ask(served, text="nothing here")
    assert (answer["redacted"], answer["action"], answer.get("replaced")) == ("nothing here", "allow", None)


@pytest.mark.parametrize(
    "body",
    [{}, {"text": "a", "json": {}}, {"text": 7}, {"batch": "x"}, {"batch": ["x"] * 1001}, {"text": "a", "stage": "nowhere"}, {"texts": []}],
)
def test_another_shape_is_refused_without_its_content(served: Door, body: dict[str, Any]) -> None:
    assert ask(served, 400, **body)["error"]["code"] == "invalid_input"


def test_too_many_texts_are_refused(served: Door) -> None:
    assert ask(served, 413, json=["x"] * 10_001)["error"]["code"] == "request_too_large"


def test_a_stage_at_which_nothing_is_replaced_is_no_clean_bill(served: Door, guard: Guard) -> None:
    assert ask(served, 400, text=MAIL, stage="memory")["error"]["code"] == "nothing_to_redact"
    with pytest.raises(NothingToRedact):
        guard.redact(MAIL, "memory")


def test_a_policy_in_shadow_redacts_nothing_and_says_so(door: Door) -> None:
    door.start(RULES.replace("tier: high", "tier: high\nmode: shadow"))
    assert ask(door, 400, text=MAIL)["error"]["code"] == "nothing_to_redact"


def test_a_key_needs_the_scope_and_keeps_to_its_limits(door: Door) -> None:
    door.start(RULES.replace("tools:\n", "limits: {requests_per_minute: 1}\ntools:\n", 1))
    assert door.ask({"text": MAIL}, path="/v1/redact").status == 200
    limited = door.ask({"text": MAIL}, path="/v1/redact")
    assert (limited.status, "retry-after" in limited.headers, MAIL.encode() in limited.body) == (429, True, False)
    key, token = ApiKey.issue(tenant="t1", name="other", scopes=("chat", "check"))
    publish_keys(door.settings.data_dir / "keys.json", (key,))
    assert door.ask({"text": MAIL}, path="/v1/redact", token=token).status == 401


@pytest.mark.parametrize(("tier", "status"), [("high", 503), ("minimal", 200)])
def test_what_could_not_be_read_is_not_given_back_as_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tier: str, status: int) -> None:
    monkeypatch.setattr(Registry, "load", lambda: Registry([FailingDetector()]))
    rule = "  - {id: i, at: output, hazard: prompt_injection, threshold: 0.5, do: block}\n"
    with ExitStack() as stack:
        door = Door(stack, tmp_path).start(POLICY.replace("rules:\n", f"rules:\n{rule}").replace("tier: high", f"tier: {tier}"))
        answer = ask(door, status, text=f"mail {MAIL}")
        guard = stack.enter_context(Guard.load(door.policy_file, settings=door.settings))
        if status == 503:
            assert MAIL not in json.dumps(answer)
            with pytest.raises(GuardUnavailable):
                guard.redact(MAIL)
        else:
            assert (answer["redacted"], answer["state"]) == ("mail [EMAIL]", "bypassed")
            assert not guard.redact(MAIL).complete


VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(10**17), 10**17), st.sampled_from([MAIL, CARD, SECRET, f"a {MAIL} b", "x", "é😀", ""])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from([MAIL, "a", "b/c", "~", SECRET, "é", ""]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=40)
@given(VALUES)
def test_the_service_and_the_sdk_replace_alike(served: Door, guard: Guard, value: Any) -> None:
    answer = ask(served, json=value)
    # A bare text stands at another path in process; all else is alike.
    redacted = guard.redact({"v": value})
    assert redacted.value == {"v": answer["redacted"]}
    assert [one.span for one in redacted.replaced] == [tuple(one["span"]) for one in answer.get("replaced", [])]
    assert not any(word in json.dumps(answer["redacted"]) for word in (MAIL, CARD, SECRET))


@given(VALUES, st.integers(0, 5))
def test_only_the_texts_that_change_are_changed(value: Any, chosen: int) -> None:
    before = json.dumps(value)
    segments = list(texts_in(value, "/v", Text("user", "input"), thorough=True))
    changed = {segment.path: f"<{place}>" for place, segment in enumerate(segments) if place % 6 == chosen}
    after = with_texts(value, "/v", changed)
    assert json.dumps(value) == before
    assert with_texts(value, "/v", {}) is value
    again = list(texts_in(after, "/v", Text("user", "input"), thorough=True))
    texts = {segment.path: segment.text for segment in segments} | changed
    assert {one.path: one.text.split(" (")[0] if one.path.endswith("#key") else one.text for one in again} == texts
    pointers = dict(pointers_in(after, "/v"))
    for path, text in changed.items():
        here: Any = after
        for token in pointers[path.removesuffix("#key")].split("/")[1:]:
            here = here[int(token)] if isinstance(here, list) else here[token.replace("~1", "/").replace("~0", "~")]
        assert path.endswith("#key") or here == text


def test_the_largest_request_costs_as_much_as_its_texts(served: Door) -> None:
    """Ten thousand texts that all change, under keys that all become alike: steps that multiply would take minutes."""
    document = {f"user{number}@example.org": MAIL for number in range(5000)}
    answer = ask(served, json=document)
    assert len(answer["redacted"]) == 5000
    assert len(answer["replaced"]) == 10_000
    assert answer["redacted"]["[EMAIL] (5000)"] == "[EMAIL]"
