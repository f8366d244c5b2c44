"""The gateway: an OpenAI-compatible door in which every text is guarded on its way in and out."""

from fairlead.gateway.app import Gateway
from fairlead.gateway.server import Supervisor, serve_worker, worker_socket

__all__ = ["Gateway", "Supervisor", "serve_worker", "worker_socket"]
