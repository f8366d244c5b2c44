"""OpenAI Embeddings as Segments, and back: texts go in, numbers come out.

Shape: OpenAI API reference, "Create embeddings" (read November 2026).
"""

from collections.abc import Mapping

from fairlead.core import InvalidInput
from fairlead.wire.api import Codec, Made, Provider
from fairlead.wire.chat_stream import error_of
from fairlead.wire.document import Json, read_object
from fairlead.wire.fields import Extraction, Fields, Inert, Items, Text, Unsupported, Vector, walk
from fairlead.wire.interaction import Interaction, Reply, interaction_of, reply_of, take_extension

_INERT = Inert()
_INPUT = Text("user", "input")
_REQUEST = Fields(dict.fromkeys(("model", "dimensions", "encoding_format", "user", "input"), _INERT))
_REPLY = Fields(
    {
        "object": _INERT,
        "model": _INERT,
        "usage": Fields({}),
        "data": Items(Fields({"object": _INERT, "index": _INERT, "embedding": Vector()})),
    }
)
_NO_STREAM = "embeddings are not streamed"


class Embeddings:
    """The API as the gateway knows it."""

    name = "openai_embeddings"
    provider: Provider = "openai"
    path = "/embeddings"

    def read_request(self, data: bytes, retrieval_tools: frozenset[str] = frozenset()) -> Interaction:  # noqa: ARG002 - it calls no tools
        """Take a request apart; what is given as numbers of tokens can't be read here, and counts as unknown."""
        body = read_object(data)
        extension = take_extension(body)
        if body.get("stream") is True:
            raise InvalidInput(_NO_STREAM, where="/stream", mend="leave 'stream' out")
        out = Extraction()
        # Emptied, not left out: a key that is a text is found again by its place.
        walk(_REQUEST, {**body, "input": None}, "", out, _INPUT)
        _read_input(body.get("input"), out)
        return interaction_of(body, extension, out)

    def read_reply(self, data: bytes) -> Reply:
        """Take a reply apart; it holds no text."""
        body = read_object(data)
        if not isinstance(body.get("data"), list):
            mend = "check that the upstream gives embeddings"
            raise InvalidInput("the upstream's response has no data", where="/data", mend=mend)
        out = Extraction()
        walk(_REPLY, body, "", out, Text("model", "output"))
        return reply_of(body, out)

    def settle_calls(self, reply: Reply, said: Mapping[int, str]) -> None:
        """Change nothing: there are no calls."""

    def whole(self, made: Made, text: str, count: int = 1) -> bytes:  # noqa: ARG002 - there is no place for a text
        """Return nothing: numbers can't say why there are none, an error can."""
        return b""

    def streamed(self, made: Made, text: str) -> bytes:  # noqa: ARG002 - as above
        """Return nothing, as above."""
        return b""

    def codec(self, made: Made) -> Codec:
        """Refuse: no request that asks for a stream is read.

        Raises:
            InvalidInput: Always.
        """
        raise InvalidInput(_NO_STREAM, where=made.exchange, mend="leave 'stream' out")

    def error(self, status: int, code: str, message: str) -> bytes:
        """Return the body of an error in OpenAI's shape."""
        return error_of(status, code, message)


def _read_input(given: Json, out: Extraction) -> None:
    if isinstance(given, list) and not all(isinstance(item, int | float) for item in given):
        for index, item in enumerate(given):
            walk(_INPUT if isinstance(item, str) else Unsupported(), item, f"/input/{index}", out, _INPUT)
    else:
        walk(_INPUT if isinstance(given, str) else Unsupported(), given, "/input", out, _INPUT)
