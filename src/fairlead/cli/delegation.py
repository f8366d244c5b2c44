"""`fairlead delegation`: mint a token for a Trajectory, narrow it for the next hop, name its blocks, revoke one."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from fairlead.cli.approvals import LOGIN_OPTION, PASSWORD_OPTION, account_of
from fairlead.cli.output import json_option, show_json, show_table

if TYPE_CHECKING:
    from fairlead.integrations import Delegation

MINUTE_US = 60_000_000
TENANT_OPTION = click.option("--tenant", default="default", show_default=True, help="Whose it is.")
TOKEN_ARGUMENT = click.argument("token", type=click.File("r"))


@click.group()
def delegation() -> None:
    """Hand authority to agents: mint, narrow, show and revoke tokens (extra ``delegation``). A token is a secret."""


@delegation.command()
@click.option("--policy", "file", type=click.Path(path_type=Path, dir_okay=False), default="fairlead.yaml", help="Whose tools.")
@click.option("--tool", "tools", multiple=True, help="A tool that it is for; all of the policy by default.")
@click.option("--user", default="", help="The application's user for whom the agent works.")
@click.option("--trajectory", required=True, help="The only Trajectory that it holds in.")
@click.option("--minutes", type=click.IntRange(1, 7 * 24 * 60), default=60, show_default=True, help="How long it holds.")
@TENANT_OPTION
@json_option
def mint(file: Path, *, tools: tuple[str, ...], user: str, trajectory: str, minutes: int, tenant: str, as_json: bool) -> None:
    """Print a new token."""
    from fairlead.cli.policy_files import read_release
    from fairlead.core import UsageError
    from fairlead.integrations import Grant

    known = tuple(tool.name for tool in read_release(file).tools)
    unknown = [tool for tool in tools if tool not in known]
    if unknown:
        raise UsageError("the policy lists no such tool", where=unknown[0], mend=f"name one of {', '.join(known)}")
    expires_us = time.time_ns() // 1000 + minutes * MINUTE_US
    grant = Grant(tenant=tenant, user=user, trajectory=trajectory, tools=tools or known, expires_us=expires_us)
    _show(_delegation().mint(grant), as_json=as_json)


@delegation.command()
@TOKEN_ARGUMENT
@click.option("--tool", "tools", multiple=True, help="A tool that is left; all that were there by default.")
@click.option("--calls", "calls", nargs=2, type=(str, click.IntRange(0)), multiple=True, help="TOOL N: at most N calls of it, in all.")
@click.option("--value", "values", nargs=3, multiple=True, help="TOOL ARGUMENT VALUE: a value that the argument may have.")
@click.option("--hops", type=click.IntRange(0, 15), default=None, help="How often it may be handed on from here.")
@click.option("--minutes", type=click.IntRange(1), default=None, help="How long it holds from now.")
@json_option
def narrow(
    token: TextIO,
    *,
    tools: tuple[str, ...],
    calls: tuple[tuple[str, int], ...],
    values: tuple[tuple[str, str, str], ...],
    hops: int | None,
    minutes: int | None,
    as_json: bool,
) -> None:
    """Print a token that allows less than the one in the file TOKEN (``-`` reads standard input)."""
    from fairlead.integrations import Narrowing
    from fairlead.integrations import narrow as narrow_token

    arguments: dict[str, dict[str, tuple[str, ...]]] = {}
    for tool, name, value in values:
        known = arguments.setdefault(tool, {})
        known[name] = (*known.get(name, ()), value)
    narrowing = Narrowing(
        tools=tools or None,
        arguments=arguments,
        calls=dict(calls),
        hops=hops,
        expires_us=None if minutes is None else time.time_ns() // 1000 + minutes * MINUTE_US,
    )
    _show(narrow_token(token.read().strip(), narrowing, _delegation().key), as_json=as_json)


@delegation.command()
@TOKEN_ARGUMENT
@json_option
def show(token: TextIO, as_json: bool) -> None:
    """Name the blocks of the token in the file TOKEN; revoking one takes back every token that was made from it."""
    from fairlead.integrations import revocation_ids

    found = revocation_ids(token.read().strip())
    if as_json:
        show_json({"blocks": found})
        return
    show_table("", ("hop", "block"), [("minted" if hop == 0 else str(hop), block) for hop, block in enumerate(found)])


@delegation.command()
@click.argument("block")
@click.option("--reason", required=True, help="Why, in one line without content of an Interaction.")
@LOGIN_OPTION
@PASSWORD_OPTION
@TENANT_OPTION
@json_option
def revoke(block: str, *, reason: str, login: str, password_file: Path | None, tenant: str, as_json: bool) -> None:
    """Revoke BLOCK: from the next call on no token holds that has it, in any worker."""
    from fairlead.config import load_settings
    from fairlead.wiring.control_plane import build_control_plane

    plane = build_control_plane(load_settings())
    lever = plane.revoke_delegation(tenant, block, by=account_of(plane, tenant, login, password_file), reason=reason)
    if as_json:
        show_json(lever)
    else:
        click.echo(f"revoked by lever {lever.id}")


def _show(token: str, *, as_json: bool) -> None:
    if as_json:
        show_json({"token": token})
    else:
        click.echo(token)


def _delegation() -> "Delegation":
    from fairlead.config import load_settings
    from fairlead.guard import FileLevers
    from fairlead.integrations import Delegation

    settings = load_settings()
    return Delegation.open(settings.config_dir, FileLevers(settings.data_dir / "levers.json"))
