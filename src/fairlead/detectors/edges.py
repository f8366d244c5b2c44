"""What stands at the edges of most entities: nothing that belongs to a word."""

LEFT, RIGHT = r"(?<![A-Za-z0-9_])", r"(?![A-Za-z0-9_])"
"""Not after, and not before, a letter, a digit or an underscore."""


def alone(expression: str) -> str:
    """Return an expression that matches only what stands alone.

    Args:
        expression: Python syntax.
    """
    return f"{LEFT}(?:{expression}){RIGHT}"
