"""The assistant behind Fairlead: the base URL, a key of the gateway, and where the documents come from."""

import sys

from assistant import Assistant
from knowledge import Knowledge, read_documents
from openai import OpenAI
from tools import World

client = OpenAI(base_url="http://127.0.0.1:8080/v1", api_key=sys.argv[1])
assistant = Assistant(client, "gpt-4o-mini", World(Knowledge(read_documents())), extension=True)
print(assistant.ask(" ".join(sys.argv[2:])).reply)
