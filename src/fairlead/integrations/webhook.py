"""Messages to a chat or any other webhook: that a tool call waits for a person. No value of an argument is in them.

The body is ``{"text": "…"}``, which incoming webhooks of Slack (docs.slack.dev, messaging/sending-messages-using-incoming-webhooks, read
in November 2026), Mattermost and Rocket.Chat take.

The address is the operator's own and is a secret; nothing of a request gets into it. The host is resolved once for each message, every
address that it has must be public or of a network that the operator named, the connection goes to exactly that address, and no redirect
is followed. A message that can't be sent is counted and given up: the question waits in the inbox all the same.
"""

import http.client
import ipaddress
import queue
import socket
import ssl
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import SplitResult, urlsplit

from fairlead.agents import KeptApproval
from fairlead.core import InvalidInput, canonical_bytes

TIMEOUT_S = 5.0
MAX_WAITING = 100
"""Messages that wait to be sent; beyond, they are dropped and counted."""
_WHERE = "FAIRLEAD_APPROVAL_WEBHOOK"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ApprovalBell:
    """Tells people that a tool call waits for them.

    Args:
        url: Where messages are posted; ``https``, or ``http`` to a named network.
        console: Address of the console, for the link; empty for none.
        networks: Networks beside the public one that the address may be of, such as ``10.0.0.0/8``.

    Raises:
        InvalidInput: The URL or a network is none; the message names the setting, never the URL.
    """

    def __init__(self, url: str, console: str = "", networks: Sequence[str] = ()) -> None:
        self._url = _checked(url)
        self._console = console.rstrip("/")
        self._networks = _networks(networks)
        self._waiting: queue.Queue[bytes | None] = queue.Queue(MAX_WAITING)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self.unsent = 0
        """Messages that could not be sent."""

    def ring(self, asked: KeptApproval) -> None:
        """Send a message, later and in another thread; never waits and never fails."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._send_all, name="fairlead-bell", daemon=True)
                self._thread.start()
        try:
            self._waiting.put_nowait(canonical_bytes({"text": message(asked, self._console)}))
        except queue.Full:
            self.unsent += 1

    def close(self) -> None:
        """Send what waits, and end."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(2 * TIMEOUT_S)
            self._thread = None

    def _send_all(self) -> None:
        while (body := self._waiting.get()) is not None:
            try:
                self._send(body)
            except (OSError, http.client.HTTPException, ValueError):
                self.unsent += 1

    def _send(self, body: bytes) -> None:
        host, secure = self._url.hostname or "", self._url.scheme == "https"
        port = self._url.port or (443 if secure else 80)
        address = self._address(host, port)
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        try:
            plain = socket.create_connection((address, port), TIMEOUT_S)
            connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host) if secure else plain
            path = f"{self._url.path or '/'}{'?' if self._url.query else ''}{self._url.query}"
            connection.request("POST", path, body, {"content-type": "application/json"})
            if connection.getresponse().status // 100 != 2:
                self.unsent += 1
        finally:
            connection.close()

    def _address(self, host: str, port: int) -> str:
        """Return the address that is connected to.

        Raises:
            OSError: The host has none, or one that must not be reached.
        """
        found = list(dict.fromkeys(str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        if not found or not all(self._allowed(address) for address in found):
            raise OSError("the webhook's host has an address that is neither public nor of a named network")
        return found[0]

    def _allowed(self, address: str) -> bool:
        parsed = ipaddress.ip_address(address.partition("%")[0])
        if any(parsed in network for network in self._networks):
            return True
        return self._url.scheme == "https" and parsed.is_global and not parsed.is_multicast


def message(asked: KeptApproval, console: str = "") -> str:
    """Return what people are told: System, tool, rule, unmet conditions, id and link; no argument.

    Args:
        asked: The question.
        console: Address of the console, without a slash at its end.
    """
    until = datetime.fromtimestamp(asked.expires_us / 1e6, UTC).strftime("%H:%M UTC")
    unmet = f", not met: {', '.join(asked.unmet)}" if asked.unmet else ""
    place = f"{console}/approvals#{asked.id}" if console else f"fairlead approval list --tenant {asked.tenant}"
    what = f"A call of the tool {asked.tool} by {asked.system} waits for a person until {until}"
    return f"{what} (rule tools.{asked.tool}{unmet}). {asked.id}: {place}"


def _checked(url: str) -> SplitResult:
    refused = InvalidInput("this is no address of a webhook", where=_WHERE, mend="set it to an https URL without a user name, or unset it")
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError as error:
        raise refused from error
    if parts.scheme not in ("https", "http") or not named or not url.isascii() or any(char <= " " for char in url):
        raise refused
    return parts


def _networks(names: Sequence[str]) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(name.strip()) for name in names if name.strip())
    except ValueError as error:
        mend = "list networks such as 10.0.0.0/8, with commas between them"
        raise InvalidInput("a network is none", where="FAIRLEAD_WEBHOOK_NETWORKS", mend=mend) from error
