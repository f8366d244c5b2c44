"""What can go wrong with the servers behind the MCP gateway."""

from fairlead.core import Unavailable


class ServerFailed(Unavailable):
    """An MCP server could not be reached, broke off, was too slow, or answered what is not of the protocol.

    Args:
        what: Which of these; nothing that the server said.
        where: The policy's name of the server.
        made: True when what was asked may have been done.
    """

    code = "mcp-server-failed"

    def __init__(self, what: str, *, where: str, made: bool) -> None:
        super().__init__(what, where=where, mend="see whether the server runs, and 'mcp.servers' in the policy")
        self.made = made
