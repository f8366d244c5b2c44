"""A filter for ``logging``: what a record says is redacted before any handler, formatter or exporter sees it."""

import logging
import threading
import traceback

from fairlead.core import Stage
from fairlead.sdk.guard import Guard

WITHHELD = "[withheld: this record could not be redacted]"
"""Stands in place of all that a record says when it can't be redacted."""
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_PLAIN = (str, int, float, bool, list, tuple, dict, type(None))


class RedactingFilter(logging.Filter):
    """Redacts log records by the rules of a policy; put it on handlers: ``handler.addFilter(RedactingFilter(guard))``.

    The message with its arguments, the texts of exception and stack, and what was given as ``extra`` are redacted as one value. Arguments
    and the exception itself are taken off the record, since they hold what was replaced. If anything of it fails, the record's content
    is withheld, its level, name and place in the code stay: a record never passes raw (fail-closed, also under a fail-open policy).

    Args:
        guard: The guard.
        stage: Whose rules count.

    Raises:
        NothingToRedact: No rule of the Stage replaces anything.
    """

    def __init__(self, guard: Guard, stage: Stage = "output") -> None:
        super().__init__()
        guard.redact("", stage)
        self._guard = guard
        self._stage = stage
        self._busy = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact a record in place; it always passes."""
        if getattr(self._busy, "here", False):
            # What the guard itself logs while it looks at a record would come round for ever.
            _put(record, {"message": WITHHELD})
            return True
        self._busy.here = True
        try:
            said = self._redacted(record)
        except Exception:  # noqa: BLE001 - whatever a record's objects or the guard raise, the record must not pass as it is
            said = {"message": WITHHELD}
        finally:
            self._busy.here = False
        _put(record, said)
        return True

    def _redacted(self, record: logging.LogRecord) -> dict[str, object]:
        said: dict[str, object] = {"message": record.getMessage()}
        if record.exc_info and record.exc_info[1] is not None:
            said["exception"] = "".join(traceback.format_exception(record.exc_info[1])).rstrip("\n")
        elif record.exc_text:
            said["exception"] = record.exc_text
        if record.stack_info:
            said["stack"] = record.stack_info
        extra = {name: _readable(value) for name, value in record.__dict__.items() if name not in _STANDARD}
        if extra:
            said["extra"] = extra
        redacted = self._guard.redact(said, self._stage)
        value: object = redacted.value
        if not redacted.complete or not isinstance(value, dict):
            return {"message": WITHHELD}
        # Keys of the record itself are names of ours; only those inside what was given as extra could have been replaced.
        return dict(zip(said, value.values(), strict=True))


def _readable(value: object) -> object:
    """Return a value of plain kinds; any other object as the text that a formatter would show."""
    if isinstance(value, dict):
        return {str(key): _readable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(item) for item in value]
    return value if isinstance(value, _PLAIN) else str(value)


def _put(record: logging.LogRecord, said: dict[str, object]) -> None:
    """Let a record say this and nothing else."""
    for name in [name for name in record.__dict__ if name not in _STANDARD]:
        del record.__dict__[name]
    record.msg = str(said["message"])
    record.args = None
    record.exc_info = None
    record.exc_text = _text(said.get("exception"))
    record.stack_info = _text(said.get("stack"))
    record.__dict__.pop("message", None)
    extra = said.get("extra")
    if isinstance(extra, dict):
        record.__dict__.update(extra)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
