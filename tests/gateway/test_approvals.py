"""A call that needs a person: asked for by one worker, granted by the control plane, let through by any worker, once."""

import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import msgspec
import openai
import pytest
from gateway_bench import POLICY
from webhook_server import Chat

from fairlead.agents import Answer, FileApprovals
from fairlead.core import SystemClock
from fairlead.gateway import Gateway
from fairlead.identity import LOCAL_OPERATOR, Actor, ApiKey, Role, publish_keys
from fairlead.testing import FixedClock, serving
from fairlead.wiring.control_plane import build_control_plane
from fairlead.wiring.data_plane import build_data_plane

MAIL = {"to": "eve@evil.example", "body": "hello"}
ANSWER = Answer(granted=True, approver="acc_boss", login="boss")
QUARTER_US = 15 * 60 * 1_000_000
ToolCall = Callable[..., dict[str, Any]]


class Caller:
    """An application whose model wants to send a mail; it talks to the first worker unless told otherwise."""

    def __init__(self, bench: Any, call: ToolCall) -> None:
        self._bench = bench
        self._call = call

    def wants(self, *approvals: str, arguments: object = MAIL, user: str = "u1", url: str = "", token: str = "", **more: Any) -> Any:
        """Return the answer's first choice."""
        self._bench.model.says("", tool_calls=[self._call("send_email", arguments)])
        client = openai.OpenAI(base_url=f"{url or self._bench.url}/v1", api_key=token or self._bench.token, max_retries=0)
        extension = {"user": user, "approvals": list(approvals), **more}
        answer = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "mail it"}], extra_body={"fairlead": extension}
        )
        return answer.choices[0]

    def asks(self, *approvals: str, **how: Any) -> str:
        """Return the id of the approval that the call needs; fails if the call goes through."""
        choice = self.wants(*approvals, **how)
        assert choice.message.tool_calls is None
        found = re.search(r"apr_[a-z2-7]{26}", choice.message.content)
        assert found is not None
        return found.group()

    def goes(self, *approvals: str, **how: Any) -> bool:
        """Tell whether the call goes through."""
        made = self.wants(*approvals, **how).message.tool_calls
        return bool(made) and made[0].function.name == "send_email"


@pytest.fixture
def caller(bench: Any, call: ToolCall) -> Caller:
    return Caller(bench.start(), call)


def files(bench: Any, clock: Any = None) -> FileApprovals:
    """The approvals as another process of this machine has them."""
    settings = bench._settings
    return FileApprovals.open(settings.data_dir / "approvals", settings.config_dir, clock)


def grant(bench: Any, approval: str, clock: Any = None) -> None:
    files(bench, clock).answer(approval, "t1", ANSWER, lambda _: None)


def test_a_call_goes_through_once_after_a_person_approved_it(bench: Any, caller: Caller) -> None:
    asked = caller.asks()
    assert caller.asks(asked) == asked
    grant(bench, asked)
    assert caller.asks() == asked  # granted, and still nobody presented it
    assert caller.goes(asked)
    third = caller.asks(asked)
    assert third != asked
    assert caller.asks(third) == third
    used = [decision for decision in bench.decisions() if decision.stage == "tool_call" and decision.action == "allow"]
    assert [decision.approval for decision in used] == [asked]


def test_the_control_plane_answers_and_the_answer_is_in_the_audit_trail(bench: Any, caller: Caller) -> None:
    asked = caller.asks()
    plane = build_control_plane(bench._settings)
    roles: tuple[Role, ...] = ("reviewer",)
    reviewer = plane.identity.create_account(LOCAL_OPERATOR, "t1", login="rita", password="a long enough password", roles=roles)
    auditor = plane.identity.create_account(LOCAL_OPERATOR, "t1", login="ann", password="a long enough password", roles=["auditor"])
    assert [(kept.id, kept.tool, kept.state) for kept in plane.approvals.approvals("t1")] == [(asked, "send_email", "waiting")]
    plane.approvals.answer("t1", asked, by=reviewer, granted=True)
    assert caller.goes(asked)
    assert plane.approvals.approvals("t1") == ()
    (entry,) = plane.identity.audit(Actor.of(auditor), "t1", target=asked)
    assert (entry.actor, entry.action) == (reviewer.id, "approval.grant")
    assert MAIL["to"] not in str(entry)


def test_any_worker_asks_and_any_worker_lets_through_once(bench: Any, caller: Caller) -> None:
    with ExitStack() as stack:
        second = build_data_plane(bench._settings, bench.policy_file, "worker-1")
        stack.callback(second.close)
        url = stack.enter_context(serving(Gateway(second), lifespan=True))
        asked = caller.asks()
        assert caller.asks(url=url) == asked
        grant(bench, asked)
        assert caller.goes(asked, url=url)
        assert not caller.goes(asked)
        assert not caller.goes(asked, url=url)


def test_an_approval_lets_no_other_call_through(bench: Any, caller: Caller) -> None:
    asked = caller.asks()
    grant(bench, asked)
    key, other_tenant = ApiKey.issue(tenant="t2", name="tests", scopes=("chat",))
    mine, bench.token = ApiKey.issue(tenant="t1", name="tests", scopes=("chat",))
    publish_keys(bench._settings.data_dir / "keys.json", (key, mine))
    assert not caller.goes(asked, arguments={**MAIL, "to": "mallory@evil.example"})
    assert not caller.goes(asked, arguments={**MAIL, "bcc": "eve@evil.example"})
    assert not caller.goes(asked, user="u2")
    assert not caller.goes(asked, trajectory="t_abcdefghijklmnopqrstuvwxyz")
    assert not caller.goes(asked, token=other_tenant)
    bench.write_policy(bench.policy_file.read_text().replace("[example.com]", "[example.org]"))
    bench.plane.reload()
    assert not caller.goes(asked)


def test_the_order_of_the_arguments_does_not_matter(bench: Any, caller: Caller) -> None:
    asked = caller.asks()
    grant(bench, asked)
    assert caller.goes(asked, arguments=dict(reversed(MAIL.items())))


def test_an_approval_that_expired_lets_nothing_through(bench: Any, caller: Caller) -> None:
    asked = caller.asks()
    grant(bench, asked, FixedClock(SystemClock().now_us() - QUARTER_US))
    assert caller.asks(asked) != asked


def test_what_a_person_refused_is_blocked(bench: Any, caller: Caller) -> None:
    asked = caller.asks()
    files(bench).answer(asked, "t1", Answer(granted=False, approver="acc_boss"), lambda _: None)
    choice = caller.wants(asked)
    assert choice.message.tool_calls is None
    assert "a person refused exactly this call" in choice.message.content


def test_approvals_that_cannot_be_read_block(bench: Any, caller: Caller) -> None:
    asked = caller.asks()
    grant(bench, asked)
    (path,) = (bench._settings.data_dir / "approvals").rglob("*.json")
    path.write_bytes(path.read_bytes()[:-20])
    choice = caller.wants(asked)
    assert choice.message.tool_calls is None
    assert "broker:failed" in choice.message.content


def test_what_an_agent_has_spent_outlives_a_new_policy(bench: Any, call: ToolCall) -> None:
    rule = "{tool: search_docs, allow: true, outputs: untrusted, budget: {calls: 2}}"
    text = POLICY.replace("{tool: search_docs, allow: true, outputs: untrusted}", rule)
    bench.start(policy=text)

    def goes() -> bool:
        bench.model.says("", tool_calls=[call("search_docs", {"query": "hours"})])
        extension = {"user": "u1", "trajectory": "t_one"}
        answer = bench.client().chat.completions.create(
            model="m", messages=[{"role": "user", "content": "look it up"}], extra_body={"fairlead": extension}
        )
        return bool(answer.choices[0].message.tool_calls)

    assert [goes(), goes()] == [True, True]
    bench.write_policy(text.replace("owner: tests", "owner: somebody-else"))
    bench.plane.reload()
    assert not goes()


def test_people_are_told_of_a_question_once_and_it_is_in_the_audit_trail(bench: Any, call: ToolCall) -> None:
    chat = Chat()
    with chat.listening():
        networks = {"approval_webhook": chat.url, "webhook_networks": "127.0.0.0/8", "console_url": "https://console.example"}
        bench._settings = msgspec.structs.replace(bench._settings, **networks)
        caller = Caller(bench.start(), call)
        asked = caller.asks()
        assert caller.asks() == asked
        bench.plane.close()
    ((_, body),) = chat.posted
    assert f"https://console.example/approvals#{asked}" in body.decode()
    assert MAIL["to"] not in body.decode()
    plane = build_control_plane(bench._settings)
    plane.look()
    auditor = plane.identity.create_account(LOCAL_OPERATOR, "t1", login="ann", password="a long enough password", roles=["auditor"])
    (entry,) = plane.identity.audit(Actor.of(auditor), "t1", target=asked)
    assert (entry.actor, entry.action, entry.detail["tool"]) == ("gateway", "approval.ask", "send_email")
