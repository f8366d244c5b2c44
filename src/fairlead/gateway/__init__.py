"""The gateway: a door that speaks the models' APIs, in which every text is guarded on its way in and out."""

from fairlead.gateway.app import Gateway
from fairlead.gateway.protocol import PatientProtocol
from fairlead.gateway.server import Supervisor, serve_worker, shared_socket, worker_socket
from fairlead.gateway.upstream import UpstreamClient

__all__ = ["Gateway", "PatientProtocol", "Supervisor", "UpstreamClient", "serve_worker", "shared_socket", "worker_socket"]
