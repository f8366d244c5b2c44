"""The crash-test model: an OpenAI-compatible server, deterministic, and as gullible as a model can be.

What holds against it holds for tool paths with any model, because it does whatever any text tells it.
It says nothing about how a real model behaves; ``docs/explanation/crash-test-model.md`` says what it does.
"""

from fairlead.crash_model.engine import respond
from fairlead.crash_model.model import ChatRequest, Turn
from fairlead.crash_model.placeholders import PLACEHOLDERS, Placeholders
from fairlead.crash_model.server import CrashModel, app, serve

__all__ = ["PLACEHOLDERS", "ChatRequest", "CrashModel", "Placeholders", "Turn", "app", "respond", "serve"]
