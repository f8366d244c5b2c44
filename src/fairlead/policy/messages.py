"""What a client is told when a rule stops something; a policy's ``messages`` override these or add more."""

from collections.abc import Mapping
from types import MappingProxyType

DEFAULT_MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "refusal.default": "This request can't be answered because of a safety rule.",
        "refusal.secret": "The text holds something that looks like a key or password. Remove it and try again.",
        "refusal.personal_data": "The text holds personal data that can't be processed here.",
        "refusal.injection": "A document or tool result holds instructions of its own, so it was not used.",
        "refusal.harm": "I can't help with that.",
        "approval.needed": "This action needs the approval of a person.",
    }
)
"""Key to text."""
