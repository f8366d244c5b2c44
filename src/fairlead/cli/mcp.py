"""``fairlead mcp``: MCP servers behind the broker."""

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import click

from fairlead.cli.output import json_option, show_json, show_table
from fairlead.cli.serve import POLICY_OPTION

if TYPE_CHECKING:
    from fairlead.gateway.mcp import Review
    from fairlead.policy import Release
    from fairlead.wiring.policy_files import PolicyFiles


@click.group()
def mcp() -> None:
    """Put MCP servers behind the broker: serve them to clients, review and pin what they define."""


@mcp.command()
@POLICY_OPTION
@click.option("--http", is_flag=True, help="Serve streamable HTTP, with API keys of the scope mcp, instead of standard input and output.")
@click.option("--host", default=None, help="Address to listen on.")
@click.option("--port", type=int, default=None, help="Port to listen on.")
@click.option("--allow-host", multiple=True, help="Another value of the header Host, beside those of this machine; NAME:* for any port.")
@click.option("--allow-origin", multiple=True, help="Another value of the header Origin.")
@click.option("--tenant", default="default", show_default=True, help="On standard input and output: whose calls these are.")
@click.option("--client", default="local", show_default=True, help="On standard input and output: which entry of 'mcp.keys' holds.")
def serve(
    *,
    policy: Path,
    http: bool,
    host: str | None,
    port: int | None,
    allow_host: tuple[str, ...],
    allow_origin: tuple[str, ...],
    tenant: str,
    client: str,
) -> None:
    """Serve the policy's MCP servers, every call decided by the broker."""
    import os

    from fairlead.config import load_settings
    from fairlead.gateway import shared_socket
    from fairlead.wiring.data_plane import build_data_plane

    room = _gateway()
    settings = load_settings()
    if http:
        shared = shared_socket(host or settings.host, settings.mcp_port if port is None else port)
        room.serve_http(build_data_plane(settings, policy, f"mcp-{shared.getsockname()[1]}"), shared, allow_host, allow_origin)
        return
    # A client may start several, each with a journal of its own.
    room.serve_stdio(build_data_plane(settings, policy, f"mcp-stdio-{os.getpid()}"), room.Caller(tenant=tenant, name=client))


@mcp.command("review")
@POLICY_OPTION
@json_option
def review_command(*, policy: Path, as_json: bool) -> None:
    """Show what the servers define now, as it would be pinned; hidden characters are written out."""
    _, release, found = _review(policy)
    _show(found, as_json=as_json)
    missing = sorted({tool.name for tool in release.tools} - {entry.standing.tool for entry in found.reviewed})
    if missing and not as_json:
        click.echo(f"listed in the policy and defined by no server: {', '.join(missing)}")


@mcp.command()
@POLICY_OPTION
@json_option
def pin(*, policy: Path, as_json: bool) -> None:
    """Write the digests of the definitions as they are now into mcp-pins.json beside the policy."""
    from fairlead.policy import write_pins

    files, release, found = _review(policy)
    files.pins.write_text(write_pins(found.pins(release.pins)), encoding="utf-8")
    _show(found, as_json=as_json)
    if not as_json:
        click.echo(f"pinned {len(found.reviewed)} definitions in {files.pins}")


def _gateway() -> ModuleType:
    try:
        import fairlead.gateway.mcp as room
    except ModuleNotFoundError as error:
        from fairlead.core import UsageError

        raise UsageError("the MCP gateway is not installed", where=error.name or "", mend="pip install 'fairlead[mcp]'") from error
    return room


def _review(policy: Path) -> "tuple[PolicyFiles, Release, Review]":
    from contextlib import closing

    from fairlead.config import load_settings, secret_from_environment
    from fairlead.core import SystemClock, UsageError
    from fairlead.detectors import Registry
    from fairlead.integrations import KeptSecrets
    from fairlead.wiring.policy_files import PolicyFiles
    from fairlead.wiring.secrets import references_of, secrets_of

    files = PolicyFiles(policy.absolute(), load_settings().config_dir)
    release = files.compile(Registry.load())
    if release.policy.mcp is None:
        raise UsageError("the policy names no MCP servers", where=str(policy), mend="add 'mcp: {servers: …}'")
    with closing(KeptSecrets.of_stores(secret_from_environment, SystemClock())) as stores:
        stores.prepare(references_of(release))
        found: Review = _gateway().review(release, secrets_of(secret_from_environment, stores.read))
    return files, release, found


def _show(found: "Review", *, as_json: bool) -> None:
    rows = [
        {
            "server": entry.standing.definition.server,
            "tool": entry.standing.tool,
            "pin": entry.pinned,
            "withheld": entry.standing.withheld or ", ".join(entry.rules),
            "digest": entry.standing.definition.digest,
            "description": ascii(entry.standing.definition.body.get("description", "")),
        }
        for entry in found.reviewed
    ]
    if as_json:
        show_json({"definitions": rows, "silent": found.silent})
        return
    show_table("definitions", ("server", "tool", "pin", "withheld", "digest", "description"), [tuple(row.values()) for row in rows])
    for name in found.silent:
        click.echo(f"the server {name} did not answer; its pins stay as they are")
