"""API shapes to Segments and back: pure, shared by gateway, SDK, evals and replay."""

from fairlead.wire.api import Api, CallDelta, Chunk, Codec, Delta, Leaving, Made, Provider
from fairlead.wire.apis import APIS, TRANSLATIONS
from fairlead.wire.chat import ChatCompletions
from fairlead.wire.document import Json, encode
from fairlead.wire.fields import KEY, READ, Text
from fairlead.wire.interaction import TRAJECTORY, CallRef, Extension, Interaction, Reply, apply_edits, put_arguments
from fairlead.wire.leaves import pointers_in, texts_in, with_texts
from fairlead.wire.mcp import Told, read_call_result, read_definition, read_listed, read_prompt, read_resource
from fairlead.wire.moderations import CATEGORIES, Moderated, Verdict, moderation_of, read_moderation
from fairlead.wire.parts import Part, part_of
from fairlead.wire.responses import Responses
from fairlead.wire.sse import Event, EventReader, encode_event
from fairlead.wire.translation import Translation
from fairlead.wire.usage import Usage, larger, usage_of

__all__ = [
    "APIS",
    "CATEGORIES",
    "KEY",
    "READ",
    "TRAJECTORY",
    "TRANSLATIONS",
    "Api",
    "CallDelta",
    "CallRef",
    "ChatCompletions",
    "Chunk",
    "Codec",
    "Delta",
    "Event",
    "EventReader",
    "Extension",
    "Interaction",
    "Json",
    "Leaving",
    "Made",
    "Moderated",
    "Part",
    "Provider",
    "Reply",
    "Responses",
    "Text",
    "Told",
    "Translation",
    "Usage",
    "Verdict",
    "apply_edits",
    "encode",
    "encode_event",
    "larger",
    "moderation_of",
    "part_of",
    "pointers_in",
    "put_arguments",
    "read_call_result",
    "read_definition",
    "read_listed",
    "read_moderation",
    "read_prompt",
    "read_resource",
    "texts_in",
    "usage_of",
    "with_texts",
]
