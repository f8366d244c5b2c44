"""Fairlead keeps applications built on language models safe at full speed, and can prove that it did.

The in-process SDK is the public face of this package::

    from fairlead import Guard

    guard = Guard.load("fairlead.yaml")
    decision = guard.check("mail me at bob@example.com", stage="input")

Everything else lives in a package named after the word of the vocabulary that it holds (see ``docs/glossary.md``).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fairlead.sdk import Guard, Stopped

__all__ = ["Guard", "Stopped", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    # The SDK pulls the detectors in; `fairlead --help` and the light rooms must not pay for that.
    if name in ("Guard", "Stopped"):
        from fairlead import sdk

        return getattr(sdk, name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
