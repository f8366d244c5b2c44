"""Messages about approvals: without an argument, to no address that was not meant, and never in the way of the guard."""

import json
import socket
import threading
from collections.abc import Iterator, Sequence

import pytest
from webhook_server import Chat

from fairlead.agents import KeptApproval
from fairlead.core import InvalidInput
from fairlead.integrations import ApprovalBell
from fairlead.integrations.webhook import MAX_WAITING

ASKED = KeptApproval(
    id="apr_abc",
    tenant="t1",
    system="shop",
    release="sha256:r",
    tool="send_email",
    requester="hmac",
    exchange="x_1",
    call="hmac",
    origins=(("to", ("untrusted",)),),
    others=1,
    unmet=("to.provenance",),
    state="waiting",
    asked_us=0,
    expires_us=900_000_000,
)
LOOPBACK = ("127.0.0.0/8",)


@pytest.fixture
def chat() -> Iterator[Chat]:
    made = Chat()
    with made.listening():
        yield made


def rung(url: str, networks: Sequence[str] = LOOPBACK, console: str = "https://fairlead.example/") -> int:
    """Send one message, and return how many could not be sent."""
    bell = ApprovalBell(url, console, networks)
    bell.ring(ASKED)
    bell.close()
    return bell.unsent


def test_a_message_names_tool_rule_id_and_link_and_no_argument(chat: Chat) -> None:
    assert rung(chat.url) == 0
    ((path, body),) = chat.posted
    assert path == "/hooks/secret?key=1"
    told = json.loads(body)
    assert set(told) == {"text"}
    for word in (
        "send_email",
        "shop",
        "tools.send_email",
        "to.provenance",
        "apr_abc",
        "https://fairlead.example/approvals#apr_abc",
        "00:15 UTC",
    ):
        assert word in told["text"]


def test_without_a_console_it_names_the_command(chat: Chat) -> None:
    assert rung(chat.url, console="") == 0
    assert "fairlead approval list --tenant t1" in chat.posted[0][1].decode()


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 404, 500])
def test_a_redirect_is_not_followed_and_a_refusal_is_counted(chat: Chat, status: int) -> None:
    chat.status = status
    assert rung(chat.url) == 1
    assert len(chat.posted) == 1


@pytest.mark.parametrize("networks", [(), ("10.0.0.0/8",), ("::1/128",)])
def test_an_address_of_no_named_network_is_never_connected_to(chat: Chat, networks: Sequence[str]) -> None:
    assert rung(chat.url, networks) == 1
    assert chat.posted == []


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "[::]", "[::1]", "[fe80::1]", "[::ffff:127.0.0.1]", "224.0.0.1"]
)
def test_no_address_that_is_not_public_is_reached_by_default(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    reached: list[object] = []
    monkeypatch.setattr(socket, "create_connection", lambda *told: reached.append(told))
    assert rung(f"https://{address}/x", ()) == 1
    assert reached == []


def test_one_address_of_a_host_that_is_not_allowed_stops_it(monkeypatch: pytest.MonkeyPatch, chat: Chat) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("127.0.0.1", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert rung(chat.url.replace("127.0.0.1", "hooks.example")) == 1
    assert chat.posted == []


def test_nobody_there_is_counted_and_nobody_waits() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert rung(f"http://127.0.0.1:{taken.getsockname()[1]}/x") == 1


def test_more_questions_than_can_be_told_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    held = threading.Event()
    monkeypatch.setattr(ApprovalBell, "_send", lambda *_: held.wait())
    bell = ApprovalBell("https://hooks.example/x")
    for _ in range(MAX_WAITING + 5):
        bell.ring(ASKED)
    assert 4 <= bell.unsent <= 5
    held.set()
    bell.close()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example",
        "https://",
        "https://u:p@a.example/",
        "file:///etc/passwd",
        "https://a.example/ b",
        "https://[::1",
        "nonsense",
        "https://ä.example",
    ],
)
def test_what_is_no_address_is_refused_at_the_start_without_quoting_it(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ApprovalBell(url)
    assert refused.value.where == "FAIRLEAD_APPROVAL_WEBHOOK"
    assert url not in str(refused.value)


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput):
        ApprovalBell("https://a.example", networks=("10.0.0.0/33",))
