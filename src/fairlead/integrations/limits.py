"""Limits that hold for all workers and machines, counted in Redis or Valkey (extra ``redis``); one script, so one step."""

import asyncio
import threading
import time
from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from fairlead.core import Unavailable, UsageError
from fairlead.guard import PARTS, AskLimits, LimitAnswer

if TYPE_CHECKING:
    from redis import Redis
    from redis.asyncio import Redis as AsyncRedis
    from redis.commands.core import AsyncScript

PATIENCE_S: Final = 0.5
"""To connect, and to be answered."""
CONNECTIONS: Final = 32
"""Of a worker at most; a request that finds all of them taken waits for one."""
PAUSE_S: Final = 0.5
"""After a failure it is left alone for so long, so that not every request waits for it; the next one then tries again."""
SCRIPT: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local kept = tonumber(ARGV[1])
local correct = ARGV[2] == '1'
local wait, refused, rings, answer = 0, 0, {}, {}
for i, key in ipairs(KEYS) do
  local amount, ceiling, part_us = tonumber(ARGV[4 * i - 1]), tonumber(ARGV[4 * i]), tonumber(ARGV[4 * i + 1])
  local head = math.floor(now / part_us)
  local total, counts = 0, {}
  local found = redis.call('HGETALL', key)
  for j = 1, #found, 2 do
    local part, spent = tonumber(found[j]), tonumber(found[j + 1])
    if part <= head - kept then
      redis.call('HDEL', key, found[j])
    else
      if part > head then
        redis.call('HDEL', key, found[j])
        redis.call('HINCRBY', key, string.format('%.0f', head), found[j + 1])
        part = head
      end
      counts[part] = (counts[part] or 0) + spent
      total = total + spent
    end
  end
  rings[i] = counts
  answer[i] = string.format('%.0f', head)
  local over = total + amount - ceiling
  if not correct and over > 0 then
    local free = head + kept
    for part = head - kept + 1, head do
      over = over - (counts[part] or 0)
      if over <= 0 then free = part + kept; break end
    end
    if free * part_us - now > wait then wait, refused = free * part_us - now, i end
  end
end
if refused > 0 then return {refused, string.format('%.0f', wait)} end
for i, key in ipairs(KEYS) do
  local amount, part_us = tonumber(ARGV[4 * i - 1]), tonumber(ARGV[4 * i + 1])
  local part = answer[i]
  if correct and amount < 0 then
    part = ARGV[4 * i + 2]
    amount = -math.min(-amount, rings[i][tonumber(part)] or 0)
  end
  if amount ~= 0 then
    redis.call('HINCRBY', key, part, string.format('%.0f', amount))
    redis.call('PEXPIRE', key, math.ceil(part_us * (kept + 1) / 1000))
  end
end
return {0, '0', unpack(answer)}
"""
"""The rule of ``guard.limits``, by the server's clock: a hash for each limit and subject, part to amount."""


class RedisLimits:
    """Counts in a server that all workers and machines share.

    What fails is raised, so that the policy's ``on_error`` decides; the next request after :data:`PAUSE_S` connects again.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``; a secret.

    Raises:
        UsageError: The extra is not installed, or this is no such URL.
    """

    def __init__(self, url: str) -> None:
        try:
            import redis  # noqa: PLC0415 - an extra
            import redis.asyncio  # noqa: PLC0415 - an extra
        except ImportError as error:
            mend = "pip install 'fairlead[redis]', or unset FAIRLEAD_REDIS"
            raise UsageError("the client of Redis is not installed", where="FAIRLEAD_REDIS", mend=mend) from error
        self._url = url
        try:
            self._client: Redis = redis.Redis.from_url(url, socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S)
        except ValueError:
            # Its message may quote the URL, which may hold a password.
            raise UsageError("this is no URL of a Redis", where="FAIRLEAD_REDIS", mend="write redis://host:6379/0") from None
        self._script = self._client.register_script(SCRIPT)
        self._pool = redis.asyncio.BlockingConnectionPool.from_url
        self._over = redis.asyncio.Redis.from_pool
        self._loop: tuple[asyncio.AbstractEventLoop, AsyncRedis, AsyncScript] | None = None
        self._thread = 0
        self._rest_until = 0.0

    def spend(self, ask: AskLimits, monotonic_us: int) -> LimitAnswer:  # noqa: ARG002 - the server's clock counts for all
        """Spend all charges or none, or correct what was spent.

        Raises:
            Unavailable: The server does not answer.
        """
        self._awake()
        try:
            return self._read(ask, self._script(_keys(ask), _words(ask)))
        except Exception as error:
            raise self._gone() from error

    def waiting(self, ask: AskLimits) -> "asyncio.Future[LimitAnswer]":
        """Return what an event loop awaits instead of :meth:`spend`."""
        return asyncio.ensure_future(self._spend(ask))

    def close(self) -> None:
        """Close the connections; from another thread than the loop's, wait until they are."""
        self._client.close()
        if self._loop is None or not self._loop[0].is_running():
            return
        loop, client, _ = self._loop
        closing = asyncio.run_coroutine_threadsafe(client.aclose(), loop)
        if threading.get_ident() != self._thread:
            closing.result(2 * PATIENCE_S)

    async def _spend(self, ask: AskLimits) -> LimitAnswer:
        self._awake()
        try:
            return self._read(ask, await self._here()(_keys(ask), _words(ask)))
        except Exception as error:
            raise self._gone() from error

    def _here(self) -> "AsyncScript":
        """Return the script of the running loop; connections belong to one."""
        loop = asyncio.get_running_loop()
        if self._loop is None or self._loop[0] is not loop:
            patience = {"timeout": PATIENCE_S, "socket_timeout": PATIENCE_S, "socket_connect_timeout": PATIENCE_S}
            client = self._over(self._pool(self._url, max_connections=CONNECTIONS, **patience))
            self._thread = threading.get_ident()
            self._loop = (loop, client, client.register_script(SCRIPT))
        return self._loop[2]

    def _read(self, ask: AskLimits, answer: Sequence[bytes | int]) -> LimitAnswer:
        refused, wait_us, *parts = (int(value) for value in answer)
        if refused:
            return LimitAnswer(refused=ask.charges[refused - 1].limit, retry_after_us=max(1, wait_us))
        return LimitAnswer(at=ask.at or tuple(parts))

    def _awake(self) -> None:
        if time.monotonic() < self._rest_until:
            raise Unavailable("the server that counts limits did not answer just now", mend="look at the server of FAIRLEAD_REDIS")

    def _gone(self) -> Unavailable:
        self._rest_until = time.monotonic() + PAUSE_S
        return Unavailable("the server that counts limits does not answer", mend="look at the server of FAIRLEAD_REDIS")


def _keys(ask: AskLimits) -> list[str]:
    # In a cluster a script's keys must be in one place: what stands in braces decides where. No name of anybody stands in a key.
    place = blake2b(ask.tenant.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return [f"fairlead:limit:{{{place}}}:{charge.digest().hex()}" for charge in ask.charges]


def _words(ask: AskLimits) -> list[int]:
    words = [PARTS + 1, int(bool(ask.at))]
    for charge, part in zip(ask.charges, ask.at or (0,) * len(ask.charges), strict=True):
        words += [charge.amount, charge.ceiling, charge.part_us, part]
    return words
