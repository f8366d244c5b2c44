"""Streams of the Responses API: told many times over, each time only what may leave, in events that any client can follow."""

import itertools
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from gateway_bench import POLICY
from gateway_door import Door
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import Omit
from openai._models import construct_type
from openai.lib.streaming.responses import ResponseStreamState
from openai.types.responses import ResponseStreamEvent
from responses_wire import CITATION, OUTPUT, event, events, function_call, message, output_text, reply, tokens, told, wire

CARD = "4111 1111 1111 1111"
SECRET = "AKIA" + "IOSFODNN7EXAMPLQ"
BEGIN = [{"type": "response.created", "response": reply()}]
AT = {"item_id": "msg_1", "output_index": 0, "content_index": 0}


HOSTED = POLICY + "".join(
    f"  - {{tool: {tool}, allow: true}}\n" for tool in ("web_search", "file_search", "code_interpreter", "docs/look_up")
)


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A door whose policy lets the provider's tools give what they found."""
    with ExitStack() as stack:
        yield Door(stack, tmp_path_factory.mktemp("hosted")).start(HOSTED)


def stream(door: Any, pieces: list[bytes], **extra: Any) -> Any:
    door.upstream.script.append(pieces)
    return door.ask({"model": "m", "input": "hello", "stream": True, **extra}, path="/v1/responses")


def passed(door: Any, *output: Any, size: int = 5, **extra: Any) -> list[Any]:
    """The events that left of a stream of these items."""
    return told(stream(door, wire(events(reply(*output, **extra), size))).body)


def last(found: list[Any]) -> Any:
    return found[-1]["response"]


def deltas(found: list[Any], kind: str = "response.output_text.delta") -> str:
    return "".join(one["delta"] for one in found if one["type"] == kind)


def texts(response: Any) -> list[str]:
    return [part.get("text", part.get("refusal")) for item in response["output"] for part in item.get("content", ())]


def follow(found: list[Any]) -> Any:
    """What the official client makes of the events; it fails where one does not follow from those before."""
    assert [one["sequence_number"] for one in found] == list(range(len(found)))
    state: Any = ResponseStreamState(input_tools=[], text_format=Omit())
    for one in found:
        state.handle_event(construct_type(type_=ResponseStreamEvent, value=one))
    return state


def test_a_clean_stream_tells_all_that_the_upstream_told(hosted: Door) -> None:
    found = passed(hosted, *OUTPUT)
    follow(found)
    assert last(found)["output"] == [{**OUTPUT[0], "status": "completed"}, *OUTPUT[1:]]
    assert found[-1]["type"] == "response.completed"
    assert last(found)["usage"]["total_tokens"] == 8


def test_every_place_that_tells_an_edited_text_tells_it_edited(open_door: Any) -> None:
    note = {**CITATION, "title": f"of {CARD}"}
    part = output_text(f"my card {CARD}, bye", annotations=[note], logprobs=tokens("my card ", CARD, ", bye"))
    found = passed(open_door, message(part, {"type": "refusal", "refusal": f"not {CARD}"}))
    follow(found)
    assert "4111" not in json.dumps(found)
    assert "52,49" not in json.dumps(found).replace(" ", "")
    assert deltas(found) == "my card [PAYMENT_CARD], bye"
    assert texts(last(found)) == ["my card [PAYMENT_CARD], bye", "not [PAYMENT_CARD]"]
    assert next(one for one in found if one["type"] == "response.output_text.done")["text"] == "my card [PAYMENT_CARD], bye"
    assert last(found)["output"][0]["content"][0]["annotations"][0]["title"] == "of [PAYMENT_CARD]"
    assert last(found)["output"][0]["content"][0]["logprobs"] == []


def test_log_probabilities_of_a_clean_text_leave_at_its_end(open_door: Any) -> None:
    found = passed(open_door, message(output_text("hello", logprobs=tokens("hel", "lo"))))
    assert last(found)["output"][0]["content"][0]["logprobs"] == tokens("hel", "lo")


def test_log_probabilities_that_tell_another_text_are_looked_at(open_door: Any) -> None:
    found = passed(open_door, message(output_text("hello", logprobs=tokens("my ", "4111 1111", " 1111 1111"))))
    assert "4111" not in json.dumps(found)
    assert texts(last(found)) == ["hello"]


def test_a_secret_ends_the_response_after_the_clean_prefix(open_door: Any) -> None:
    found = passed(open_door, message(f"The key is {SECRET} and more"), message("next", identity="msg_2"))
    follow(found)
    assert found[-1]["type"] == "response.incomplete"
    assert last(found)["incomplete_details"] == {"reason": "content_filter"}
    assert texts(last(found)) == ["The key is "]
    assert last(found)["output"][0]["status"] == "incomplete"


@pytest.mark.parametrize("place", range(3))
def test_a_secret_in_what_a_hosted_tool_found_does_not_leave(hosted: Door, place: int) -> None:
    changed = json.loads(json.dumps([OUTPUT[1], OUTPUT[2], OUTPUT[3]]))
    changed[0]["results"][0]["text"] = changed[1]["action"]["query"] = changed[2]["outputs"][0]["logs"] = f"use {SECRET} here"
    found = passed(hosted, changed[place])
    assert SECRET not in json.dumps(found)
    assert found[-1]["type"] == "response.incomplete"


@pytest.mark.parametrize("item", OUTPUT[1:5], ids=lambda item: item["type"])
def test_what_a_tool_of_the_provider_found_that_is_not_allowed_does_not_leave(open_door: Any, item: Any) -> None:
    """It has run; that is why such tools are unknown in a request."""
    for answer in (stream(open_door, wire(events(reply(item)))), stream(open_door, [json.dumps(reply(item)).encode()], stream=False)):
        assert b"stopped by the policy" in answer.body
        assert item["id"].encode() not in answer.body


def test_a_card_in_what_a_hosted_tool_found_is_cut_out(hosted: Door) -> None:
    item = json.loads(json.dumps(OUTPUT[1]))
    item["results"][0]["text"] = f"card {CARD} it is"
    found = passed(hosted, item)
    assert last(found)["output"][0]["results"][0]["text"] == "card [PAYMENT_CARD] it is"


def test_calls_leave_whole_or_a_message_says_why_not(open_door: Any) -> None:
    found = passed(open_door, function_call("search_docs", {"q": "x"}), function_call("wipe", {}, "call_2"), message("done"))
    follow(found)
    assert [item["type"] for item in last(found)["output"]] == ["function_call", "message", "message"]
    assert deltas(found, "response.function_call_arguments.delta") == '{"q": "x"}'
    assert "stopped by the policy" in texts(last(found))[0]
    assert found[-1]["type"] == "response.completed"


def test_a_response_that_is_left_without_its_calls_is_incomplete(open_door: Any) -> None:
    found = passed(open_door, function_call("send_email", {"to": "eve@evil.example"}))
    follow(found)
    assert found[-1]["type"] == "response.incomplete"
    assert "apr_" in texts(last(found))[0]


def test_a_secret_in_the_arguments_stops_the_call(open_door: Any) -> None:
    found = passed(open_door, function_call("search_docs", {"q": SECRET}))
    assert SECRET not in json.dumps(found)
    assert [item["type"] for item in last(found)["output"]] == ["message"]


CALLED = events(reply(function_call("search_docs", {"q": "x"})))


@pytest.mark.parametrize("place", [index for index, one in enumerate(CALLED) if "arguments" in one["type"]])
def test_arguments_that_other_events_tell_otherwise_are_not_passed_on(open_door: Any, place: int) -> None:
    changed = [dict(one) for one in CALLED]
    changed[place].update({"delta": SECRET} if "delta" in changed[place] else {"arguments": SECRET})
    found = told(stream(open_door, wire(changed)).body)
    assert SECRET not in json.dumps(found)
    assert last(found)["output"] == [function_call("search_docs", {"q": "x"})]


TEXTS = st.lists(st.sampled_from([*"ab 4-@.é😀", CARD, "1111", "bob@example.org", SECRET[:7], SECRET, "\\u0041", '"\\']), max_size=12)


@settings(max_examples=60)
@given(said=TEXTS, thought=TEXTS, size=st.integers(1, 60), cuts=st.lists(st.integers(0, 9000), max_size=12))
def test_any_cutting_gives_the_client_the_same_texts(
    quick_door: Any, said: list[str], thought: list[str], size: int, cuts: list[int]
) -> None:
    reasoning = {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "".join(thought)}]}
    body = reply(reasoning, message("".join(said)))
    sent = b"".join(wire(events(body, size)))
    places = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
    whole = told(stream(quick_door, wire(events(body, 1000))).body)
    split = told(stream(quick_door, [sent[a:b] for a, b in itertools.pairwise(places)]).body)
    assert last(split)["output"] == last(whole)["output"]
    assert split[-1]["type"] == whole[-1]["type"]
    for kind in ("response.output_text.delta", "response.reasoning_summary_text.delta"):
        assert deltas(split, kind) == deltas(whole, kind)
    follow(split)


def begun(*middle: Any) -> list[bytes]:
    return wire([*BEGIN, *middle])


def delta(text: str, **at: Any) -> Any:
    return {"type": "response.output_text.delta", **AT, **at, "delta": text, "logprobs": []}


END = {"type": "response.completed", "response": reply()}
SHORT = message("hello")
TRICKS = {
    "a done that differs": [delta("hello"), {"type": "response.output_text.done", **AT, "text": SECRET, "logprobs": []}, END],
    "a part that differs": [delta("hello"), {"type": "response.content_part.done", **AT, "part": output_text(SECRET)}, END],
    "an item that differs": [delta("hello"), {"type": "response.output_item.done", "output_index": 0, "item": message(SECRET)}, END],
    "an end that differs": [delta("hello"), {"type": "response.completed", "response": reply(message(SECRET))}],
    "an end that goes on": [delta("hello "), {"type": "response.completed", "response": reply(message(f"hello {SECRET}"))}],
    "an item after the end of its text": [
        delta("hello"),
        {"type": "response.output_item.done", "output_index": 0, "item": SHORT},
        {"type": "response.output_item.done", "output_index": 0, "item": message("hello", SECRET)},
        END,
    ],
    "a delta after the end of its text": [
        delta("hello"),
        {"type": "response.output_item.done", "output_index": 0, "item": SHORT},
        delta(f" {SECRET}"),
        END,
    ],
    "a text after the end of its item": [
        {"type": "response.output_item.done", "output_index": 0, "item": SHORT},
        delta(SECRET, content_index=1),
        END,
    ],
    "text where an item begins": [{"type": "response.output_item.added", "output_index": 0, "item": message(SECRET)}, delta("x"), END],
    "text where a part begins": [{"type": "response.content_part.added", **AT, "part": output_text(SECRET)}, delta("x"), END],
    "a call where an item begins": [{"type": "response.output_item.added", "output_index": 0, "item": function_call("wipe", SECRET)}, END],
    "a call and a text at one place": [
        delta("hello"),
        {"type": "response.output_item.done", "output_index": 0, "item": function_call("search_docs", {"q": SECRET})},
        END,
    ],
    "a place that is none": [delta(SECRET, output_index=-1, content_index="x"), END],
    "a far place": [delta(SECRET, output_index=10**9, content_index=10**9), END],
    "two items of one id": [
        {"type": "response.output_item.done", "output_index": 0, "item": message("a")},
        {"type": "response.output_item.done", "output_index": 1, "item": message(SECRET)},
        END,
    ],
    "an error": [{"type": "error", "code": "x", "message": f"the {SECRET}", "param": None}],
    "a failure": [{"type": "response.failed", "response": reply(status="failed", error={"code": "x", "message": f"the {SECRET}"})}],
    "a reason": [{"type": "response.incomplete", "response": reply(incomplete_details={"reason": SECRET})}],
    "a begin that repeats": [{"type": "response.in_progress", "response": reply(message(SECRET), instructions=SECRET, user=SECRET)}, END],
    "an annotation of its own": [
        delta("x"),
        {"type": "response.output_text.annotation.added", **AT, "annotation_index": 0, "annotation": {**CITATION, "title": SECRET}},
        END,
    ],
    "a picture": [
        {"type": "response.image_generation_call.partial_image", "output_index": 0, "partial_image_b64": SECRET, "partial_image_index": 0},
        END,
    ],
    "an id": [{"type": "response.output_item.added", "output_index": 0, "item": message("", identity=f"the {SECRET}")}, delta("x"), END],
    "a phase": [{"type": "response.output_item.added", "output_index": 0, "item": message("", phase=SECRET)}, delta("x"), END],
    "the name of an event": [{"type": f"response.{SECRET}", "x": SECRET}, END],
    "padding": [delta("x", obfuscation=SECRET), END],
    "after the end": [delta("x"), END, delta(SECRET, output_index=1)],
    "no end": [delta(SECRET)],
    "a key": [
        {"type": "response.output_item.done", "output_index": 0, "item": {**OUTPUT[5], "tools": [{f"the {SECRET} key": 1}]}},
        END,
    ],
}


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("unknown", ["block", "scan", "allow"])
def test_no_trick_of_a_stream_gets_a_secret_out(tricked: dict[str, Any], trick: str, unknown: str) -> None:
    door = tricked[unknown]
    answer = stream(door, begun(*TRICKS[trick]))
    assert SECRET.encode() not in answer.body
    assert [one["sequence_number"] for one in told(answer.body)] == list(range(len(told(answer.body))))


@pytest.fixture(scope="module")
def tricked(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A door for each rule about what is unknown."""
    with ExitStack() as stack:
        relaxed = POLICY.replace("audit: strict", "audit: relaxed")
        yield {
            unknown: Door(stack, tmp_path_factory.mktemp(unknown)).start(relaxed.replace("unknown: block", f"unknown: {unknown}"))
            for unknown in ("block", "scan", "allow")
        }


BROKEN = events(
    reply(
        {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": f"I use {SECRET} here"}]},
        message(f"pay {CARD} now", {"type": "refusal", "refusal": f"not {CARD} then"}),
        function_call("search_docs", {"q": "x"}),
    ),
    7,
)
CHANGE = st.tuples(st.sampled_from(["drop", "again", "swap", "place"]), st.integers(0, len(BROKEN) - 1), st.integers(0, len(BROKEN) - 1))


def broken(changes: list[tuple[str, int, int]]) -> list[Any]:
    """Events that are missing, told twice, told in another order, or about another place."""
    found = [dict(one) for one in BROKEN]
    for change, first, second in changes:
        one, other = first % len(found), second % len(found)
        if change == "drop" and len(found) > 1:
            del found[one]
        elif change == "again":
            found.insert(other, dict(found[one]))
        elif change == "swap":
            found[one], found[other] = found[other], found[one]
        else:
            found[one].update({key: second for key in ("output_index", "content_index") if key in found[one]})
    return found


def whole_number(text: str) -> bool:
    """Whether a card or the secret stands in a text by itself; glued to other letters it is neither."""
    return re.search(rf"(?<![0-9A-Za-z])(?<![0-9] )({CARD}|{SECRET})(?! ?[0-9A-Za-z])", text) is not None


@settings(max_examples=60)
@given(st.lists(CHANGE, max_size=6))
def test_events_that_are_missing_or_twice_or_out_of_order_let_nothing_out(quick_door: Any, changes: list[tuple[str, int, int]]) -> None:
    found = told(stream(quick_door, wire(broken(changes))).body)
    flowed: dict[Any, str] = {}
    for one in found:
        if "delta" in one:
            place = (one["type"], one["output_index"], one.get("content_index"), one.get("summary_index"))
            flowed[place] = flowed.get(place, "") + one["delta"]
    assert not any(whole_number(text) for text in flowed.values())
    for index, item in enumerate(found[-1].get("response", {}).get("output", ())):
        for place, part in enumerate(item.get("content", ())):
            name, field = {"output_text": ("output_text", "text"), "reasoning_text": ("reasoning_text", "text")}.get(
                part["type"], ("refusal",) * 2
            )
            assert flowed.get((f"response.{name}.delta", index, place, None), "") == part[field]


def test_a_place_that_is_a_number_of_somebody_stands_in_no_record(open_door: Any) -> None:
    answer = stream(open_door, begun(delta("hello", output_index=4111111111111111), END))
    paths = {entry.path for one in open_door.decisions(answer.headers["x-fairlead-exchange"]) for entry in one.coverage}
    assert "/output/0/content/0/text" in paths
    assert not any("4111" in path for path in paths)


@pytest.mark.parametrize("api", ["openai_responses", "openai_embeddings"])
def test_the_decision_api_decides_about_a_whole_interaction_alike(open_door: Any, api: str) -> None:
    asked = {"model": "m", "input": "hello"}
    bodies: dict[str, Any] = {
        "openai_responses": reply(message(f"pay {CARD} now"), function_call("wipe", {})),
        "openai_embeddings": {"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}]},
    }
    found = json.loads(open_door.ask({"api": api, "request": asked, "reply": bodies[api]}, path="/v1/guard/check").body)
    open_door.upstream.script.append([json.dumps(bodies[api]).encode()])
    served = open_door.ask(asked, path=f"/v1/{api.removeprefix('openai_')}")
    assert found["reply"] == json.loads(served.body)
    made = open_door.decisions(served.headers["x-fairlead-exchange"])
    assert [(one["stage"], one["action"]) for one in found["decisions"]] == [(one.stage, one.action) for one in made]


def test_a_server_that_tells_a_text_only_at_its_end_is_heard(open_door: Any) -> None:
    """Compatible servers leave events out: what no delta told is told when something ends."""
    found = told(stream(open_door, begun({"type": "response.completed", "response": reply(message(f"card {CARD}"))})).body)
    follow(found)
    assert texts(last(found)) == ["card [PAYMENT_CARD]"]


def test_an_event_that_is_not_known_ends_the_response_if_the_policy_says_so(open_door: Any) -> None:
    found = told(stream(open_door, begun(delta("hello"), {"type": "response.brand_new", "text": "x"}, END)).body)
    assert found[-1]["type"] == "response.incomplete"


def test_items_that_are_numbered_otherwise_at_the_end_are_told_once(open_door: Any) -> None:
    ended = {"type": "response.output_item.done", "output_index": 3, "item": message("hello")}
    found = told(stream(open_door, begun(ended, {"type": "response.completed", "response": reply(message("hello"))})).body)
    follow(found)
    assert texts(last(found)) == ["hello"]


def test_a_stream_without_an_end_is_not_taken_for_a_whole_one(open_door: Any) -> None:
    answer = stream(open_door, begun(delta("hello")))
    assert told(answer.body)[-1]["type"] == "error"
    assert open_door.decisions(answer.headers["x-fairlead-exchange"])[-1].state == "interrupted"


def test_an_upstreams_error_ends_the_stream_with_ours(open_door: Any) -> None:
    answer = stream(open_door, [*begun(delta("hello")), event({"type": "error", "code": "x", "message": "overloaded", "param": None})])
    found = told(answer.body)
    assert found[-1]["type"] == "error"
    assert found[-1]["code"] == "upstream_unavailable"
    assert open_door.decisions(answer.headers["x-fairlead-exchange"])[-1].state == "interrupted"


def test_texts_of_one_item_that_come_mixed_are_guarded_apart(open_door: Any) -> None:
    pieces = zip(f"one {CARD}.", f"two {CARD}!", strict=True)
    mixed = [delta(letter, content_index=place) for pair in pieces for place, letter in enumerate(pair)]
    found = told(stream(open_door, begun(*mixed, END)).body)
    assert deltas([one for one in found if one.get("content_index") == 0]) == "one [PAYMENT_CARD]."
    assert deltas([one for one in found if one.get("content_index") == 1]) == "two [PAYMENT_CARD]!"


def test_the_record_of_the_whole_is_durable_before_the_event_that_says_all_is_well(open_door: Any) -> None:
    seen: list[int] = []

    def look(sent: Any) -> None:
        if b"response.completed" in sent.get("body", b""):
            seen.append(sum(decision.stage == "output" and decision.state == "final" for decision in open_door.decisions()))

    before = sum(decision.stage == "output" and decision.state == "final" for decision in open_door.decisions())
    open_door.on_send = look
    try:
        passed(open_door, message("hello"))
    finally:
        open_door.on_send = lambda _: None
    assert seen == [before + 1]
