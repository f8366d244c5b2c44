"""The in-process SDK: the same Decisions as the gateway, without a network."""

from fairlead.sdk.checked import Checked, Redacted
from fairlead.sdk.errors import Stopped
from fairlead.sdk.exchange import GuardedExchange, GuardedReply
from fairlead.sdk.guard import Guard
from fairlead.sdk.logs import RedactingFilter
from fairlead.sdk.stream import GuardedStream

__all__ = ["Checked", "Guard", "GuardedExchange", "GuardedReply", "GuardedStream", "Redacted", "RedactingFilter", "Stopped"]
