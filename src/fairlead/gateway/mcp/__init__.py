"""The MCP gateway: a server for MCP clients, with the servers of the policy behind the one broker (extra ``mcp``)."""

from fairlead.gateway.mcp.caller import Caller
from fairlead.gateway.mcp.door import build_door
from fairlead.gateway.mcp.errors import ServerFailed
from fairlead.gateway.mcp.http import McpHttp, serve_http
from fairlead.gateway.mcp.review import Review, Reviewed, review
from fairlead.gateway.mcp.stdio import serve_stdio

__all__ = ["Caller", "McpHttp", "Review", "Reviewed", "ServerFailed", "build_door", "review", "serve_http", "serve_stdio"]
