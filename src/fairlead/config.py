"""Settings: the only place that reads the environment.

Each setting has a name, a default and a line of help; ``docs/reference/settings.md`` lists them and a test keeps both alike.
A value is read once, when :func:`load_settings` is called, and never changes afterwards.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from fairlead.core import InvalidInput


class Setting(NamedTuple):
    """One documented environment variable."""

    variable: str
    default: str
    help: str


SETTINGS: tuple[Setting, ...] = (
    Setting("FAIRLEAD_DATA", ".fairlead", "Folder of the journal, the embedded store, levers and sockets."),
    Setting("FAIRLEAD_CONFIG", "~/.config/fairlead", "Folder of signing and sealing keys; never inside a repository."),
    Setting("FAIRLEAD_DATABASE", "", "SQLAlchemy URL of the store; empty means SQLite in the data folder."),
    Setting("FAIRLEAD_HOST", "127.0.0.1", "Address that gateway, console and crash-test model listen on."),
    Setting("FAIRLEAD_GATEWAY_PORT", "8080", "Port of the gateway."),
    Setting("FAIRLEAD_CONSOLE_PORT", "8081", "Port of the console."),
    Setting("FAIRLEAD_MCP_PORT", "8082", "Port of the MCP gateway."),
    Setting("FAIRLEAD_CRASH_MODEL_PORT", "8089", "Port of the crash-test model."),
    Setting(
        "FAIRLEAD_REDIS",
        "",
        "URL of a Redis or Valkey that counts limits for all machines (extra `redis`); a secret. Empty counts here.",
    ),
    Setting("FAIRLEAD_REGION", "", "Region in which this installation keeps its records, by the name that policies use under `store`."),
    Setting("FAIRLEAD_WORKERS", "1", "Gateway worker processes."),
    Setting("FAIRLEAD_TRACE_SAMPLE", "0.01", "Share of Exchanges that are traced with OpenTelemetry spans, 0 to 1."),
    Setting("FAIRLEAD_OTLP_ENDPOINT", "", "URL that spans are sent to by OTLP over HTTP (extra `otlp`); empty sends none."),
    Setting("FAIRLEAD_APPROVAL_WEBHOOK", "", "URL that a message goes to when a tool call waits for a person; a secret. Empty sends none."),
    Setting("FAIRLEAD_WEBHOOK_NETWORKS", "", "Networks beside the public one that this URL may be in, such as `10.0.0.0/8`, by commas."),
    Setting("FAIRLEAD_CONSOLE_URL", "", "Address at which people reach the console, for the links in messages."),
    Setting("OPENAI_API_KEY", "", "Key of the real model that `fairlead up` guards and measures; without it the crash-test model is used."),
    Setting("OPENAI_BASE_URL", "https://api.openai.com/v1", "Where that real model is."),
    Setting("OPENAI_MODEL", "gpt-4o-mini", "Which real model is asked."),
)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the environment says, typed."""

    data_dir: Path
    config_dir: Path
    database_url: str
    host: str
    gateway_port: int
    console_port: int
    mcp_port: int
    crash_model_port: int
    region: str
    workers: int
    redis_url: str
    trace_sample: float
    otlp_endpoint: str
    approval_webhook: str
    webhook_networks: str
    console_url: str
    openai_api_key: str
    openai_base_url: str
    openai_model: str


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Args:
        environ: Variables to read; the process's own by default.

    Raises:
        InvalidInput: A variable holds a value of the wrong kind; names the variable, never its value.
    """
    source = os.environ if environ is None else environ  # noqa: TID251 - this is the one reader
    value = {setting.variable: source.get(setting.variable) or setting.default for setting in SETTINGS}
    data_dir = Path(value["FAIRLEAD_DATA"]).expanduser().absolute()
    return Settings(
        data_dir=data_dir,
        config_dir=Path(value["FAIRLEAD_CONFIG"]).expanduser().absolute(),
        database_url=value["FAIRLEAD_DATABASE"] or f"sqlite:///{data_dir / 'fairlead.db'}",
        host=value["FAIRLEAD_HOST"],
        gateway_port=_integer("FAIRLEAD_GATEWAY_PORT", value),
        console_port=_integer("FAIRLEAD_CONSOLE_PORT", value),
        mcp_port=_integer("FAIRLEAD_MCP_PORT", value),
        crash_model_port=_integer("FAIRLEAD_CRASH_MODEL_PORT", value),
        region=value["FAIRLEAD_REGION"],
        workers=_integer("FAIRLEAD_WORKERS", value),
        redis_url=value["FAIRLEAD_REDIS"],
        trace_sample=_share("FAIRLEAD_TRACE_SAMPLE", value),
        otlp_endpoint=value["FAIRLEAD_OTLP_ENDPOINT"],
        approval_webhook=value["FAIRLEAD_APPROVAL_WEBHOOK"],
        webhook_networks=value["FAIRLEAD_WEBHOOK_NETWORKS"],
        console_url=value["FAIRLEAD_CONSOLE_URL"],
        openai_api_key=value["OPENAI_API_KEY"],
        openai_base_url=value["OPENAI_BASE_URL"],
        openai_model=value["OPENAI_MODEL"],
    )


def secret_from_environment(name: str) -> str:
    """Return the secret that a policy refers to as ``env:NAME``; empty when it is not set."""
    return os.environ.get(name, "")  # noqa: TID251 - this is the one reader


def _integer(name: str, value: Mapping[str, str]) -> int:
    try:
        return int(value[name])
    except ValueError as error:
        raise InvalidInput("the value is not a whole number", where=name, mend=f"set {name} to a number or unset it") from error


def _share(name: str, value: Mapping[str, str]) -> float:
    try:
        share = float(value[name])
    except ValueError as error:
        raise InvalidInput("the value is not a number", where=name, mend=f"set {name} to a number from 0 to 1") from error
    if not 0 <= share <= 1:
        raise InvalidInput("the value is not between 0 and 1", where=name, mend=f"set {name} to a number from 0 to 1")
    return share
