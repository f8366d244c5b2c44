"""Importers: configurations of other guards as policies, with an honest list of what did not carry over."""

from collections.abc import Callable, Mapping

from fairlead.integrations.importers.litellm import from_litellm
from fairlead.integrations.importers.model import Imported, Note

Importer = Callable[[str, str], Imported]
"""Text of a configuration, and what to call it in an error, to a policy."""
IMPORTERS: Mapping[str, Importer] = {"litellm": from_litellm}
"""Name of the other guard to what reads its configuration."""

__all__ = ["IMPORTERS", "Imported", "Importer", "Note"]
