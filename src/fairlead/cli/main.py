"""The root command and its lazy table of sub-commands."""

import importlib
import sys
from collections.abc import Sequence

import click

from fairlead import __version__
from fairlead.core import FairleadError, Problems

COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("fairlead.cli.up:up", "Start everything, run the closed loop on the reference assistant, show what it found."),
    "gateway": ("fairlead.cli.serve:gateway", "Run the guarding gateway."),
    "mcp": ("fairlead.cli.mcp:mcp", "Put MCP servers behind the broker: serve, review, pin."),
    "console": ("fairlead.cli.serve:console", "Run the console."),
    "crash-model": ("fairlead.cli.serve:crash_model", "Run the crash-test model: as gullible as a model can be."),
    "policy": ("fairlead.cli.policy:policy", "Check, show, compare, test, explain and prove a policy."),
    "import": ("fairlead.cli.importing:import_policy", "Turn another guard's configuration into a policy."),
    "detect": ("fairlead.cli.detect:detect", "Show what the detectors see in a text."),
    "ground": ("fairlead.cli.ground:ground", "Show which claims of an answer its sources bear out."),
    "data": ("fairlead.cli.data:data", "Check, list, seal and purge the texts that train, test or attack."),
    "calibrate": ("fairlead.cli.calibrate:calibrate", "Fit a detector's head to your own reviewed texts."),
    "eval": ("fairlead.cli.evals:evaluate", "Run a suite of cases against a target."),
    "redteam": ("fairlead.cli.redteam:redteam", "Run an attack set against a target."),
    "agent-range": ("fairlead.cli.environments:agent_range", "Play attacks that an agent obeys in full against a tool policy."),
    "gate": ("fairlead.cli.gate:gate", "Answer a suite's claims; the exit code is the answer."),
    "incident": ("fairlead.cli.incidents:incident", "Open, contain, turn into a case, close."),
    "approval": ("fairlead.cli.approvals:approval", "List, grant and refuse tool calls that wait for a person."),
    "delegation": ("fairlead.cli.delegation:delegation", "Hand authority to agents by tokens: mint, narrow, show, revoke."),
    "evidence": ("fairlead.cli.evidence:evidence", "Export the signed evidence."),
    "receipt": ("fairlead.cli.receipt:receipt", "Sign and verify what was looked at in one Exchange."),
    "verify": ("fairlead.cli.evidence:verify", "Verify an evidence bundle offline."),
    "card": ("fairlead.cli.governance:card", "Write the system card from records."),
    "readiness": ("fairlead.cli.governance:readiness", "Write the one-page go / no-go report from records."),
    "kpi": ("fairlead.cli.governance:kpi", "Show the KPIs, computed live."),
    "account": ("fairlead.cli.identity:account", "Create, list and disable accounts."),
    "key": ("fairlead.cli.identity:key", "Create, list and revoke API keys."),
    "db": ("fairlead.cli.store:db", "Migrate the store; fold journals into it."),
}
"""Name of each command: where its code is, and the line that ``fairlead --help`` shows without importing it."""


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one only to run it or to show its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the command names in the order of the mission."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import and return one command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry[0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry[0]} is not a click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands from the table, so that help imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "FAIRLEAD"})
@click.version_option(__version__, prog_name="fairlead")
def root() -> None:
    """Keep applications built on language models safe at full speed, and prove it."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a user's mistake ends with what is wrong, where and how to mend it, never a traceback.

    Args:
        arguments: Words after the program's name; those of the process by default.
    """
    try:
        result = root.main(args=None if arguments is None else list(arguments), prog_name="fairlead", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except FairleadError as error:
        _show(error)
        sys.exit(error.exit_code)
    sys.exit(result if isinstance(result, int) else 0)


def _show(error: FairleadError) -> None:
    problems = error.problems if isinstance(error, Problems) else (error,)
    if isinstance(error, Problems):
        click.secho(f"error: {error.what}", fg="red", err=True)
    for problem in problems:
        place = f"{problem.where}: " if problem.where else ""
        click.secho(f"{place}{problem.what}", fg="red", err=True)
        if problem.mend:
            click.echo(f"  mend: {problem.mend}", err=True)
        click.echo(f"  code: {problem.code}", err=True)
