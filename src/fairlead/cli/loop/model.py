"""What the steps of the loop hand on to each other."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from fairlead.config import Settings

if TYPE_CHECKING:
    from fairlead.evals import Run, Suite
    from fairlead.identity import Actor
    from fairlead.wiring.control_plane import ControlPlane

TENANT = "demo"
"""Tenant of the demonstration: accounts, records, and what "customers" ask."""
LAB = "demo-lab"
"""Tenant of the traffic of evals and attacks, so that measuring is not counted as live traffic."""
SYSTEM = "support-assistant"

Say = Callable[[str], None]
"""Tells a person what is being done."""


class Row(NamedTuple):
    """One line of the final table."""

    step: str
    what: str
    found: str
    ok: bool = True
    """False when what Fairlead promises did not hold; a gate that answers FAIL is a finding, not a broken promise."""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything of this demonstration is."""

    settings: Settings
    example: Path
    """Folder of the reference assistant."""

    @property
    def folder(self) -> Path:
        """Working copies, logs and reports of the demonstration."""
        return self.settings.data_dir / "up"

    @property
    def cases(self) -> Path:
        """Regression cases made from incidents."""
        return self.settings.data_dir / "cases"

    @property
    def policy(self) -> Path:
        """The working copy of the policy that the gateway serves."""
        return self.folder / "fairlead.yaml"

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

    def address(self, port: int) -> str:
        """Return the URL of a port on the configured host."""
        host = self.settings.host
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class People(NamedTuple):
    """The demonstration's two accounts, so that what needs two people gets two, and its keys."""

    commander: "Actor"
    reviewer: "Actor"
    passwords: tuple[tuple[str, str], ...]
    """Login and password of each, new at every start."""
    live_key: str
    """Token for what "customers" ask."""
    lab_key: str
    """Token for evals and attacks."""


class Measured(NamedTuple):
    """What was measured first, for the steps after it."""

    suite: "Suite"
    unguarded: "Run"
    guarded: "Run"


class Stage(NamedTuple):
    """Everything that a step works with."""

    site: Site
    plane: "ControlPlane"
    people: People
    say: Say
