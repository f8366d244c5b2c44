"""Decisions for tests."""

from typing import Any

from fairlead.core import Decision


def decision(**fields: Any) -> Decision:  # noqa: ANN401 - any field of a Decision
    """Return a plain allowed output of tenant ``t1``, with these fields instead."""
    plain: dict[str, Any] = {
        "id": "d_1",
        "exchange": "x_1",
        "tenant": "t1",
        "system": "assistant",
        "release": "sha256:" + "0" * 64,
        "stage": "output",
        "at_us": 1_764_000_000_000_000,
        "verdict": "allow",
        "action": "allow",
    }
    return Decision(**(plain | fields))
