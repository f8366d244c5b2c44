"""Errors of the ledger, its keys and its bundles."""

from fairlead.core import IntegrityError, InvalidInput, NotFound, Refused, UsageError


class SigningKeyMissing(NotFound):
    """There is no signing key where one was expected."""

    code = "signing-key-missing"


class SigningKeyUnsafe(Refused):
    """A signing key lies, or would lie, where others can read it: in a repository, or with loose permissions."""

    code = "signing-key-unsafe"


class SignatureInvalid(IntegrityError):
    """An envelope is not signed by the key that it names, or that key is not trusted."""

    code = "signature-invalid"


class BundleUnreadable(IntegrityError):
    """A bundle is not a folder or a zip of the layout that an export writes."""

    code = "bundle-unreadable"


class TrustRootInvalid(InvalidInput):
    """A trust root file is not what it must be."""

    code = "trust-root-invalid"


class RecordMismatch(IntegrityError):
    """A record is not the one that its attestation names."""

    code = "record-mismatch"


class BundleExists(UsageError):
    """There is already something where a bundle or trust root was to be written."""

    code = "bundle-exists"
