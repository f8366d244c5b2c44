"""The assistant as it was: straight to its model. Run: ``python unguarded.py "How long is the warranty?"``."""

import sys

from assistant import Assistant
from knowledge import Knowledge, read_documents
from openai import OpenAI
from tools import World

client = OpenAI()  # OPENAI_API_KEY and OPENAI_BASE_URL say which model
assistant = Assistant(client, "gpt-4o-mini", World(Knowledge(read_documents())))
print(assistant.ask(" ".join(sys.argv[1:])).reply)
