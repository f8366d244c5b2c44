"""Every API that there is."""

from collections.abc import Mapping

from fairlead.wire.api import Api
from fairlead.wire.chat import ChatCompletions
from fairlead.wire.embeddings import Embeddings
from fairlead.wire.messages import Messages, MessageTokens
from fairlead.wire.responses import Responses

APIS: Mapping[str, Api] = {api.name: api for api in (ChatCompletions(), Responses(), Embeddings(), Messages(), MessageTokens())}
"""Name of each API to the API; the gateway speaks it at ``/v1`` and its path."""
