"""Hot swap under load: no request is dropped, and every Decision names the one Release that its answer names."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import httpx
import pytest
from gateway_bench import POLICY
from gateway_process import eventually

from fairlead.testing import ScriptedModel, serving

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
SWAPS = 20
CARD = "4111 1111 1111 1111"
OTHER = POLICY.replace("entity: payment_card, do: redact", 'entity: payment_card, do: replace, with: "[CARD]"')


class Answers(ScriptedModel):
    """Says the same to everybody, as a stream where one is asked for."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        body = b""
        while (message := await receive()).get("more_body") or message.get("body"):
            body += message["body"]
            if not message.get("more_body"):
                break
        if json.loads(body).get("stream"):
            head = b"text/event-stream"
            parts = [
                self.chunk({"content": "card 4111 1111 "}),
                self.chunk({"content": "1111 1111"}),
                self.chunk({}, 0, "stop"),
                b"data: [DONE]\n\n",
            ]
        else:
            choice = {"index": 0, "message": {"role": "assistant", "content": f"card {CARD}"}, "finish_reason": "stop"}
            head, parts = b"application/json", [json.dumps({"object": "chat.completion", "choices": [choice]}).encode()]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", head)]})
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _ask(client: httpx.AsyncClient, body: dict[str, object]) -> tuple[str, str, str]:
    """Return Exchange, Release and text of one answer, streamed or not; the text shows which policy decided."""
    answer = await client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200
    if body["stream"]:
        lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
        assert lines[-1] == "[DONE]", "a whole stream"
        chunks = [json.loads(line) for line in lines[:-1]]
        text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    else:
        text = answer.json()["choices"][0]["message"]["content"]
    return answer.headers["x-fairlead-exchange"], answer.headers["x-fairlead-release"], text


async def _swap_under_load(bench: Any) -> tuple[list[tuple[str, str, str]], list[str]]:
    """Return every answer, and the Releases in the order in which they were in force."""
    seen: list[tuple[str, str, str]] = []
    releases = [bench.plane.serving.release.id]

    async def swap(stop: asyncio.Event) -> None:
        for number in range(SWAPS):
            before, answered = bench.plane.serving.release.id, len(seen)
            bench.write_policy(OTHER if number % 2 == 0 else POLICY)
            await asyncio.to_thread(eventually, lambda before=before: bench.plane.serving.release.id != before, "the swap")
            releases.append(bench.plane.serving.release.id)
            await asyncio.to_thread(eventually, lambda answered=answered: len(seen) > answered + 4, "answers meanwhile")
        stop.set()

    async def load() -> None:
        stop = asyncio.Event()
        headers = {"authorization": f"Bearer {bench.token}"}
        async with httpx.AsyncClient(base_url=bench.url, headers=headers, timeout=30) as client, asyncio.TaskGroup() as tasks:

            async def client_of(*, stream: bool) -> None:
                body = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "stream": stream}
                while not stop.is_set():
                    seen.append(await _ask(client, body))

            tasks.create_task(swap(stop))
            for place in range(4):
                tasks.create_task(client_of(stream=place % 2 == 1))

    await load()
    return seen, releases


@pytest.mark.slow
def test_twenty_swaps_under_load_drop_no_request_and_each_decision_names_one_release(bench: Any) -> None:
    with serving(Answers()) as upstream:
        bench.upstream = upstream
        bench.start()
        seen, releases = asyncio.run(_swap_under_load(bench))
    assert len(releases) == SWAPS + 1
    first, second = releases[0], releases[1]
    assert set(releases) == {first, second}
    assert {(release, text) for _, release, text in seen} == {(first, "card [PAYMENT_CARD]"), (second, "card [CARD]")}
    named = {exchange: release for exchange, release, _ in seen}
    assert {(decision.exchange, decision.release) for decision in bench.decisions()} == set(named.items())
