"""Write the parts of the documentation that the code already says: ``python docs/generate.py``.

The house tests compare each of them with what stands in the repository, so nothing here can fall behind.
"""

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from picture import put_picture

import fairlead
from fairlead.cli.main import root
from fairlead.config import SETTINGS
from fairlead.core import FairleadError
from fairlead.detectors import builtin_patterns

DOCS = Path(__file__).resolve().parent
REFERENCE = DOCS / "reference"
EXIT_CODES = {
    0: "done; PASS; nothing found",
    1: "`fairlead up`: something that Fairlead promises did not hold",
    2: "the call, a file or a name is wrong",
    3: "you may not do this",
    10: "FAIL; NO-GO; a test of a policy failed; a proof does not hold",
    11: "INCONCLUSIVE: the data can't carry a claim; a proof is for a person to review",
    12: "something needed did not answer, or a measurement is not whole",
    14: "INCOMPARABLE: runs differ in more than the declared factor",
    20: "a record was tampered with",
    130: "Ctrl-C",
}


SETTINGS_HEAD = """\
# Settings

Environment variables. They are read once, when a command starts; an empty variable counts as unset. Everything that a guard decides
stands in the [policy](policy.md), never here.

Besides these, every option of a [command](cli.md) can be given as `FAIRLEAD_<COMMAND>_<OPTION>`, such as `FAIRLEAD_EVAL_MODEL`.

| variable | default | meaning |
|---|---|---|
"""
CLI_HEAD = """\
# Command line

What `--help` says, in one place. A mistake ends with what is wrong, where, and how to mend it, and with the code of its
[page](errors/index.md), never with a traceback. With `--json` a command prints one JSON document.

Shell completion: `eval "$(_FAIRLEAD_COMPLETE=bash_source fairlead)"`, or `zsh_source`, or `fish_source`.

| exit code | meaning |
|---|---|
"""
ERRORS_HEAD = """\
# Errors

Every error has a stable code, says what is wrong, where, and how to mend it, and never holds content of an Interaction. The command line
prints it in that order; in JSON it is `{code, what, where, mend, docs}`. What clients of the gateway see is on
[a page of its own](../clients.md).

| code | what it is | exit code |
|---|---|---|
"""

ENTITIES_HEAD = """\
# Entities

What a rule can name as `entity`; `pii` and `secret` stand for all of their kind. Each is a pattern that works in streams as in whole texts,
and where there is a checksum or a register of prefixes it is checked.

| entity | kind | score | format described by |
|---|---|---|---|
"""


def entities_page() -> str:
    """Return the page of the built-in pattern entities."""
    found: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    for pattern in builtin_patterns():
        scores, sources = found.setdefault((pattern.hazard, pattern.name), (set(), set()))
        scores.add(f"{pattern.score:g}")
        sources.add(pattern.source)
    rows = [
        f"| `{name}` | {hazard} | {', '.join(sorted(scores))} | {'; '.join(sorted(sources))} |"
        for (hazard, name), (scores, sources) in sorted(found.items())
    ]
    return ENTITIES_HEAD + "\n".join([*rows, ""])


def settings_page() -> str:
    """Return the page of settings."""
    rows = [f"| `{setting.variable}` | {_code(setting.default)} | {setting.help} |" for setting in SETTINGS]
    return SETTINGS_HEAD + "\n".join([*rows, ""])


def cli_page() -> str:
    """Return the page of the command line."""
    lines = [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    for path, command in commands():
        lines += ["", *_command(path, command)]
    return CLI_HEAD + "\n".join([*lines, ""])


def errors_page() -> str:
    """Return the index of the errors."""
    rows = [f"| [{code}]({code}.md) | {_first_line(kind.__doc__)} | {kind.exit_code} |" for code, kind in sorted(errors().items())]
    return ERRORS_HEAD + "\n".join([*rows, ""])


def errors() -> dict[str, type[FairleadError]]:
    """Return every error of Fairlead by its code."""
    for module in pkgutil.walk_packages(fairlead.__path__, "fairlead."):
        if module.name.endswith(".errors"):
            importlib.import_module(module.name)
    return {kind.code: kind for kind in _family(FairleadError) if kind.__module__.startswith("fairlead.")}


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield every command that a person can call, with the words that call it."""
    yield from _below("fairlead", root)


def _below(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if path != "fairlead":
        yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None and not found.hidden:
                yield from _below(f"{path} {name}", found)


def _command(path: str, command: click.Command) -> list[str]:
    level = "#" * path.count(" ")
    lines = [f"#{level} `{path}`", "", *_paragraphs(command.help or "")]
    if isinstance(command, click.Group):
        return lines
    arguments = [parameter.make_metavar(click.Context(command)) for parameter in command.params if isinstance(parameter, click.Argument)]
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option) and not parameter.hidden]
    if arguments:
        lines[0] = f"#{level} `{path} {' '.join(arguments)}`"
    if options:
        rows = [f"| {' '.join(f'`{name}`' for name in option.opts + option.secondary_opts)} | {_help(option)} |" for option in options]
        lines += ["", "| option | meaning |", "|---|---|", *rows]
    return lines


def _help(option: click.Option) -> str:
    text = (option.help or "").replace("|", "\\|")
    if isinstance(option.type, click.Choice):
        text += f" One of {', '.join(f'`{choice}`' for choice in option.type.choices)}."
    if option.required:
        return f"{text} Required."
    shown = option.show_default and isinstance(option.default, str | int | float | tuple | Path) and option.default != ()
    value = ", ".join(map(str, option.default)) if isinstance(option.default, tuple) else str(option.default)
    return f"{text} Default: `{value}`." if shown else text


def _paragraphs(text: str) -> list[str]:
    return "\n\n".join(" ".join(part.split()) for part in text.strip().split("\n\n")).split("\n")


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n")[0].replace("|", "\\|")


def _family(kind: type[FairleadError]) -> Iterator[type[FairleadError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _family(child)


def _code(value: str) -> str:
    return f"`{value}`" if value else ""


def pages() -> dict[Path, str]:
    """Return every generated page with the text that it must have."""
    return {
        REFERENCE / "settings.md": settings_page(),
        REFERENCE / "cli.md": cli_page(),
        REFERENCE / "entities.md": entities_page(),
        REFERENCE / "errors" / "index.md": errors_page(),
    }


def main() -> int:
    """Write them all."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
    put_picture()
    return 0


if __name__ == "__main__":
    sys.exit(main())
