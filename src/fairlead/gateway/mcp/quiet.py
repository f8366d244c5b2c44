"""The protocol's libraries log what they can't parse; here that could be a prompt, so they log nothing (law 4)."""

import logging


def keep_quiet() -> None:
    """Silence them, for this process."""
    for name in ("mcp", "client", "httpx2", "httpcore2"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False
