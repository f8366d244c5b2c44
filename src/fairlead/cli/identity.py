"""``fairlead account`` and ``fairlead key``: who may do what. Whoever may run these on this machine may read its database anyway."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fairlead.cli.output import json_option, show_json, show_table

if TYPE_CHECKING:
    from fairlead.identity import Account, ApiKey, Identity

_DAY_US = 86_400_000_000
_TENANT = click.option(
    "--tenant", default="default", show_default=True, help="Whose. A missing tenant is made with its first account or key."
)


@click.group()
def account() -> None:
    """Create, list and disable accounts of people."""


@account.command("create")
@click.argument("login")
@_TENANT
@click.option("--role", "roles", multiple=True, required=True, help="A role; may be given more than once.")
@click.option("--password-file", type=click.Path(path_type=Path, dir_okay=False), help="Read the password here instead of asking for it.")
@json_option
def create_account(login: str, *, tenant: str, roles: tuple[str, ...], password_file: Path | None, as_json: bool) -> None:
    """Create an account with one or more of the roles viewer, engineer, reviewer, incident_commander, auditor, admin."""
    from fairlead.identity import LOCAL_OPERATOR

    password = _password(password_file)
    with _identity() as identity:
        _show_accounts([identity.create_account(LOCAL_OPERATOR, tenant, login=login, password=password, roles=roles)], as_json)


@account.command("list")
@_TENANT
@json_option
def list_accounts(tenant: str, as_json: bool) -> None:
    """List a tenant's accounts."""
    from fairlead.identity import LOCAL_OPERATOR

    with _identity() as identity:
        _show_accounts(identity.accounts(LOCAL_OPERATOR, tenant), as_json)


@account.command("disable")
@click.argument("login")
@_TENANT
@json_option
def disable_account(login: str, tenant: str, as_json: bool) -> None:
    """Disable an account; its sessions end at once."""
    from fairlead.identity import LOCAL_OPERATOR

    with _identity() as identity:
        _show_accounts([identity.disable_account(LOCAL_OPERATOR, tenant, login)], as_json)


@click.group()
def key() -> None:
    """Create, list and revoke API keys of programs."""


@key.command("create")
@click.argument("name")
@_TENANT
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    default=("chat", "check"),
    show_default=True,
    help="chat, check, mcp, redact or admin:levers; may be repeated.",
)
@click.option("--days", type=click.IntRange(1, 3650), default=None, help="How long it lasts; until it is revoked by default.")
@json_option
def create_key(name: str, tenant: str, scopes: tuple[str, ...], days: int | None, as_json: bool) -> None:
    """Create an API key. Its token is shown now and never again."""
    from fairlead.identity import LOCAL_OPERATOR

    with _identity() as identity:
        made, token = identity.create_key(LOCAL_OPERATOR, tenant, name=name, scopes=scopes, lifetime_us=(days or 0) * _DAY_US)
    if as_json:
        show_json(_key_json(made) | {"token": token})
        return
    _show_keys([made])
    click.echo(f"token: {token}")
    click.echo("Keep it now: it is stored nowhere and can't be shown again.", err=True)


@key.command("list")
@_TENANT
@json_option
def list_keys(tenant: str, as_json: bool) -> None:
    """List a tenant's API keys, and publish those in force to the data planes again."""
    from fairlead.identity import LOCAL_OPERATOR

    with _identity() as identity:
        found = identity.keys(LOCAL_OPERATOR, tenant)
        identity.publish()
    if as_json:
        show_json([_key_json(one) for one in found])
    else:
        _show_keys(found)


@key.command("revoke")
@click.argument("key_id")
@_TENANT
@json_option
def revoke_key(key_id: str, tenant: str, as_json: bool) -> None:
    """Revoke an API key; gateways refuse it from their next request on."""
    from fairlead.identity import LOCAL_OPERATOR

    with _identity() as identity:
        identity.revoke_key(LOCAL_OPERATOR, tenant, key_id)
    if as_json:
        show_json({"revoked": key_id})
    else:
        click.echo(f"revoked {key_id}")


@contextmanager
def _identity() -> "Iterator[Identity]":
    from fairlead.config import load_settings
    from fairlead.core import SystemClock
    from fairlead.identity import Identity, Passwords
    from fairlead.identity.records import IdentityRecords
    from fairlead.store import open_store

    settings = load_settings()
    store = open_store(settings.database_url)
    try:
        store.upgrade()
        snapshot = settings.data_dir / "keys.json"
        yield Identity(IdentityRecords(store), passwords=Passwords(), clock=SystemClock(), snapshot=snapshot)
    finally:
        store.close()


def _password(file: Path | None) -> str:
    """Ask for a new password, or read it from a file; never from the command line, which every process of the machine can see."""
    from fairlead.core import InvalidInput

    if file is None:
        return str(click.prompt("Password (12 characters or more)", hide_input=True, confirmation_prompt=True, err=True))
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("the password file can't be read", where=str(file), mend="give a UTF-8 text file") from error


def _show_accounts(found: "list[Account]", as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    show_table(
        "", ("login", "tenant", "roles", "state", "id"), [(one.login, one.tenant, ", ".join(one.roles), one.state, one.id) for one in found]
    )


def _key_json(found: "ApiKey") -> dict[str, object]:
    shown = {name: getattr(found, name) for name in found.__struct_fields__ if name != "secret_digest"}
    return shown | {"scopes": list(found.scopes)}


def _show_keys(found: "list[ApiKey]") -> None:
    rows = [(one.name, one.tenant, ", ".join(one.scopes), _state(one), one.id) for one in found]
    show_table("", ("name", "tenant", "scopes", "state", "id"), rows)


def _state(found: "ApiKey") -> str:
    from fairlead.core import SystemClock

    if found.revoked_us:
        return "revoked"
    return "in force" if found.valid_at(SystemClock().now_us()) else "expired"
