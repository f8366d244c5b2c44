"""What can go wrong with the servers behind the MCP gateway."""

from fairlead.core import Unavailable


class ServerFailed(Unavailable):
    """An MCP server could not be reached, broke off, was too slow, or answered what is not of the protocol.

    Args:
        what: Which of these; nothing that the server said.
        where: The policy's name of the server.
        mend: What the operator can do about it.
        made: Whether what was asked may have been done.
    """

    code = "mcp-server-failed"

    def __init__(self, what: str, *, where: str = "", mend: str = "", made: bool = True) -> None:
        super().__init__(what, where=where, mend=mend)
        self.made = made
