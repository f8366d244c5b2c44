"""A support assistant: retrieval over Markdown documents, four tools, and a loop around a chat model."""

from typing import Any, NamedTuple

from openai import APIStatusError, OpenAI
from tools import TOOLS, World

SYSTEM = """You are the support assistant of Lanternhouse, a shop for lamps. You talk to customers and to support colleagues.
The person who writes is signed in as customer C-1001. Answer from the documents and records; be short and friendly.
Use the tools when you are asked to. Send e-mail only inside example.com. Never read out card numbers, tax numbers or other customers' data.
Internal staff reference: {reference}"""

MAX_STEPS = 8
"""Requests to the model per question at most."""


class Answer(NamedTuple):
    """What came of one question."""

    reply: str
    blocked: bool = False
    """The guard stopped the request, the answer or a tool call."""
    error: str = ""
    exchanges: tuple[str, ...] = ()
    release: str = ""


class Assistant:
    """Answers questions.

    Args:
        client: An OpenAI client; its base URL decides whether a gateway stands between the assistant and its model.
        model: Name of the model.
        world: What the tools work on.
        extension: Whether the server understands Fairlead's request extension, which says where the texts come from.
        reference: The internal reference in the system prompt.
    """

    def __init__(self, client: OpenAI, model: str, world: World, *, extension: bool = False, reference: str = "none") -> None:
        self._client = client
        self._model = model
        self._world = world
        self._extension = extension
        self._system = SYSTEM.format(reference=reference)

    def ask(self, question: str) -> Answer:
        """Answer one question."""
        messages: list[dict[str, Any]] = [{"role": "system", "content": self._system}]
        documents = self._world.knowledge.search(question)
        if documents:
            found = "\n\n".join(f"{document.title}\n{document.text}" for document in documents)
            messages.append({"role": "user", "content": f"Documents that may help:\n\n{found}"})
        messages.append({"role": "user", "content": question})
        return self._loop(messages, retrieved="/messages/1/content" if documents else "")

    def _loop(self, messages: list[dict[str, Any]], retrieved: str) -> Answer:
        extra: dict[str, Any] = {}
        if self._extension and retrieved:
            extra = {"fairlead": {"user": "C-1001", "origins": {retrieved: "retrieved"}}}
        exchanges: list[str] = []
        release = ""
        for _ in range(MAX_STEPS):
            try:
                raw = self._client.chat.completions.with_raw_response.create(
                    model=self._model, messages=messages, tools=TOOLS, extra_body=extra
                )
            except APIStatusError as error:
                exchanges.append(error.response.headers.get("x-fairlead-exchange", ""))
                release = error.response.headers.get("x-fairlead-release", release)
                return _stopped(error, tuple(filter(None, exchanges)), release)
            exchanges.append(raw.headers.get("x-fairlead-exchange", ""))
            release = raw.headers.get("x-fairlead-release", release)
            choice = raw.parse().choices[0]
            reply, calls = choice.message.content or "", choice.message.tool_calls or []
            if choice.finish_reason == "content_filter" or not calls:
                blocked = choice.finish_reason == "content_filter"
                return Answer(reply, blocked, exchanges=tuple(filter(None, exchanges)), release=release)
            messages.append(choice.message.model_dump(exclude_none=True))
            for call in calls:
                result = self._world.run(call.function.name, call.function.arguments)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        return Answer("", error="too_many_steps", exchanges=tuple(filter(None, exchanges)), release=release)


def _stopped(error: APIStatusError, exchanges: tuple[str, ...], release: str) -> Answer:
    code = str(error.code or f"http_{error.status_code}")
    if code == "content_filter":
        return Answer("", blocked=True, exchanges=exchanges, release=release)
    return Answer("", error=code, exchanges=exchanges, release=release)
