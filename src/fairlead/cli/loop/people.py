"""Two accounts and two keys, made anew or renewed at every start."""

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fairlead.cli.loop.model import LAB, TENANT, People

if TYPE_CHECKING:
    from fairlead.identity import Account, Identity

COMMANDER, REVIEWER = "kim", "alex"
_DAY_US = 24 * 3_600_000_000


def welcome(identity: "Identity") -> People:
    """Give the demonstration its people: one who contains incidents, another who reviews and releases.

    Args:
        identity: The identity service.
    """
    from fairlead.identity import LOCAL_OPERATOR, Actor

    passwords = {login: secrets.token_urlsafe(12) for login in (COMMANDER, REVIEWER)}
    commander = _account(identity, COMMANDER, passwords[COMMANDER], ("engineer", "incident_commander"))
    reviewer = _account(identity, REVIEWER, passwords[REVIEWER], ("reviewer", "auditor", "incident_commander"))
    _, live = identity.create_key(LOCAL_OPERATOR, TENANT, name="up-live", scopes=("chat", "check"), lifetime_us=_DAY_US)
    _, lab = identity.create_key(LOCAL_OPERATOR, LAB, name="up-lab", scopes=("chat", "check"), lifetime_us=_DAY_US)
    return People(Actor.of(commander), Actor.of(reviewer), tuple(passwords.items()), live, lab)


def _account(identity: "Identity", login: str, password: str, roles: Sequence[str]) -> "Account":
    from fairlead.identity import LOCAL_OPERATOR

    known = {account.login: account for account in _accounts(identity)}
    if login not in known:
        return identity.create_account(LOCAL_OPERATOR, TENANT, login=login, password=password, roles=roles)
    identity.set_password(LOCAL_OPERATOR, TENANT, login, password=password)
    return identity.enable_account(LOCAL_OPERATOR, TENANT, login)


def _accounts(identity: "Identity") -> "list[Account]":
    from fairlead.identity import LOCAL_OPERATOR, IdentityNotFound

    try:
        return identity.accounts(LOCAL_OPERATOR, TENANT)
    except IdentityNotFound:
        return []
