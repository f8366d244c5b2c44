"""Storing and signing what a command measured, so that cards, readiness and KPIs have records to stand on."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from fairlead.evals import GateResult, Run
    from fairlead.wiring.control_plane import ControlPlane

F = TypeVar("F", bound=Callable[..., object])


def keep_options(command: F) -> F:
    """Add ``--keep-for`` and ``--tenant``."""
    keep = click.option("--keep-for", default="", metavar="SYSTEM", help="Store and sign it as evidence about this System of the policy.")
    return keep(click.option("--tenant", default="default", show_default=True, help="Whose System, for --keep-for.")(command))


def keep_runs(runs: "Sequence[Run]", *, system: str, tenant: str) -> None:
    """Store and sign runs; nothing is done without a System.

    Args:
        runs: What was measured.
        system: Name of the System in the policy; empty keeps nothing.
        tenant: Whose.
    """
    if not system:
        return
    plane = _plane()
    for run in runs:
        plane.keep_run(run, tenant=tenant, system=system)
        click.echo(f"kept and signed: {run.id}", err=True)


def keep_gate(result: "GateResult", *, system: str, tenant: str) -> None:
    """Store and sign the answer of a gate; nothing is done without a System.

    Args:
        result: The answer.
        system: Name of the System in the policy; empty keeps nothing.
        tenant: Whose.
    """
    if system:
        _plane().keep_gate(result, tenant=tenant, system=system)
        click.echo(f"kept and signed: gate {result.digest}", err=True)


def _plane() -> "ControlPlane":
    from fairlead.config import load_settings
    from fairlead.wiring.control_plane import build_control_plane

    return build_control_plane(load_settings())
