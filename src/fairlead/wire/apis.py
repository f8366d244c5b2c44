"""Every API that there is, and what translates between two of them."""

from collections.abc import Mapping

from fairlead.wire.api import Api
from fairlead.wire.chat import ChatCompletions
from fairlead.wire.chat_to_messages import ChatToMessages
from fairlead.wire.embeddings import Embeddings
from fairlead.wire.messages import Messages, MessageTokens
from fairlead.wire.messages_to_chat import MessagesToChat
from fairlead.wire.responses import Responses
from fairlead.wire.translation import Translation

APIS: Mapping[str, Api] = {api.name: api for api in (ChatCompletions(), Responses(), Embeddings(), Messages(), MessageTokens())}
"""Name of each API to the API; the gateway speaks it at ``/v1`` and its path."""

TRANSLATIONS: Mapping[str, Translation] = {ChatCompletions.name: ChatToMessages(), Messages.name: MessagesToChat()}
"""Name of an API to what lets its clients be answered by a server of the other provider's."""
