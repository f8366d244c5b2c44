"""What the steps of the loop hand on to each other."""

from pathlib import Path
from typing import NamedTuple

import msgspec

from fairlead.config import Settings


class Row(NamedTuple):
    """One line of the final table."""

    step: str
    what: str
    found: str


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything of this demonstration is."""

    settings: Settings
    example: Path
    """Folder of the reference assistant."""
    policy: Path
    """Working copy of its policy, with the upstream that is really asked."""
    key: str
    """API key of the gateway, of the demonstration's own tenant."""
    tenant: str = "demo"

    @property
    def real(self) -> bool:
        """Whether a real model is asked instead of the crash-test model."""
        return bool(self.settings.openai_api_key)

    @property
    def model(self) -> str:
        """Name of the model that is asked."""
        return self.settings.openai_model if self.real else "crash-test"

    @property
    def model_url(self) -> str:
        """Where the model is."""
        return self.settings.openai_base_url if self.real else f"{self.address(self.settings.crash_model_port)}/v1"

    @property
    def gateway_url(self) -> str:
        """Where the gateway is."""
        return f"{self.address(self.settings.gateway_port)}/v1"

    @property
    def console_url(self) -> str:
        """Where the console is."""
        return self.address(self.settings.console_port)

    def address(self, port: int) -> str:
        """Return the URL of a port on the configured host."""
        host = self.settings.host
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
