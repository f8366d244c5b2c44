"""Errors of the journal and of sealed captures."""

from fairlead.core import IntegrityError, InvalidInput, NotFound, Refused, Unavailable


class JournalUnavailable(Unavailable):
    """The journal could not make a record durable; whoever waited for it must not answer."""

    code = "journal-unavailable"


class JournalDamaged(JournalUnavailable):
    """The journal's file is not what a journal writes."""

    code = "journal-damaged"


class JournalBusy(Unavailable):
    """Another process is the writer of this journal."""

    code = "journal-busy"


class KeyFileUnsafe(InvalidInput):
    """A key file is readable by others, or not of the right length."""

    code = "key-file-unsafe"


class CaptureShredded(NotFound):
    """The key of this capture was forgotten, or was never known here."""

    code = "capture-shredded"


class CaptureTampered(IntegrityError):
    """A capture does not decrypt under its own key: it was changed, or belongs to another tenant or id."""

    code = "capture-tampered"


class CaptureRefused(Refused):
    """Content may be read only with a reason, and by a person only with a second person's consent."""

    code = "capture-refused"
