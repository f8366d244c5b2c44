"""What `eval`, `redteam` and `gate` share: options, running with progress, files of runs, tables of rates."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

import click

if TYPE_CHECKING:
    from fairlead.evals import Case, CaseResult, MetricEstimate, Run, Suite
    from fairlead.statistics import Judgement

F = TypeVar("F", bound=Callable[..., object])

Side = Literal["unguarded", "guarded"]
Mode = Literal["unguarded", "guarded", "both"]


class Door(NamedTuple):
    """Where a target talks to its model, and with what."""

    side: Side
    base_url: str
    api_key: str
    model: str
    release: str = ""
    """Release that guards, when the target can't report it."""


def measuring_options(command: F) -> F:
    """Add the options by which a person says who is asked, and through what."""
    options = (
        click.option("--target", default="", help="file.py:Class; by default the one that the suite names."),
        click.option("--guarded", "mode", flag_value="guarded", default="guarded", help="Through the gateway (default)."),
        click.option("--unguarded", "mode", flag_value="unguarded", help="Straight to the model."),
        click.option("--both", "mode", flag_value="both", help="First straight to the model, then through the gateway."),
        click.option("--base-url", default="", help="Address of the gateway; of this machine's by default."),
        click.option("--api-key-env", default="FAIRLEAD_API_KEY", show_default=True, help="Variable that holds the gateway's key."),
        click.option("--model-url", default="", help="Address of the model for the unguarded run; the crash-test model's by default."),
        click.option("--model-key-env", default="OPENAI_API_KEY", show_default=True, help="Variable that holds the model's key."),
        click.option("--model", default="", help="Name of the model that is asked."),
        click.option("--release", default="", help="Release that guards, for targets that don't report it."),
        click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Write the run to this file."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def doors(mode: Mode, **given: str) -> tuple[Door, ...]:
    """Return where the target has to talk to, in the order of the runs.

    Args:
        mode: Which runs are wanted.
        given: ``base_url``, ``api_key_env``, ``model_url``, ``model_key_env``, ``model``, ``release``, as they were given.
    """
    from fairlead.config import load_settings, secret_from_environment

    settings = load_settings()
    real = bool(settings.openai_api_key)
    model = given["model"] or (settings.openai_model if real else "crash-test")
    crash = f"http://{settings.host}:{settings.crash_model_port}/v1"
    unguarded = Door(
        "unguarded",
        given["model_url"] or (settings.openai_base_url if real else crash),
        secret_from_environment(given["model_key_env"]) or "none",
        model,
    )
    gateway = given["base_url"] or f"http://{settings.host}:{settings.gateway_port}/v1"
    guarded = Door("guarded", gateway, secret_from_environment(given["api_key_env"]) or "none", model, given["release"])
    return {"unguarded": (unguarded,), "guarded": (guarded,), "both": (unguarded, guarded)}[mode]


def measure(suite: "Suite", spec: str, door: Door, *, regressions: Sequence["Case"] = (), quiet: bool = False) -> "Run":
    """Run a suite through one door, with a progress bar on a terminal.

    Args:
        suite: Cases and claims.
        spec: ``file.py:Class``; the suite's own target when empty.
        door: Where the target talks to.
        regressions: Cases made from incidents.
        quiet: No progress bar even on a terminal.

    Raises:
        UsageError: No target is named anywhere.
        TargetNotLoaded: The target can't be loaded.
        RunInvalid: The run is none.
    """
    from fairlead.config import load_settings
    from fairlead.core import SystemClock, UsageError
    from fairlead.evals import Plan, load_target, make_target, run_suite, target_digest, with_rules

    named = spec or suite.target
    if not named:
        raise UsageError("no target is named", where=suite.name, mend="write `target:` into the suite, or give --target file.py:Class")
    guarded = door.side == "guarded"
    target = make_target(load_target(named), named, base_url=door.base_url, api_key=door.api_key, model=door.model, guarded=guarded)
    plan = Plan(model=door.model, target=target_digest(named), guarded=guarded, policy=door.release if guarded else "")
    with progress(f"{suite.name}, {door.side}", len(suite.cases) + len(regressions), quiet=quiet) as step:
        run = run_suite(suite, target, plan=plan, clock=SystemClock(), regressions=regressions, progress=step)
    return with_rules(run, acting_rules(load_settings().data_dir / "journal", run.started_us)) if guarded else run


@contextmanager
def progress(title: str, total: int, *, quiet: bool = False) -> Iterator[Callable[["CaseResult"], None]]:
    """Give a function to call for each case that is done; it draws a bar on a terminal and nothing on a pipe."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=quiet or not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda _: bar.advance(task)


def acting_rules(folder: Path, since_us: int) -> dict[str, tuple[str, ...]]:
    """Return which rules acted on each Exchange since then, from the journals of this machine; nothing where there are none.

    A journal that can't be read costs the names of the rules, not the run: it is said, and the rest goes on.
    """
    from fairlead.core import Decision, FairleadError, decode
    from fairlead.journal import journals, read

    found: dict[str, dict[str, None]] = {}
    for path in journals(folder):
        after = 0
        try:
            while entries := read(path, after, 1000):
                after = entries[-1].seq
                for entry in entries:
                    if entry.record.kind == "decision" and entry.at_us >= since_us:
                        decision = decode(entry.record.body, Decision, where=path.name)
                        if decision.rule and decision.action != "allow":
                            found.setdefault(decision.exchange, {})[decision.rule] = None
        except FairleadError as error:
            click.echo(f"the rules that acted are not named: {error}", err=True)
    return {exchange: tuple(rules) for exchange, rules in found.items()}


def write_run(run: "Run", path: Path) -> None:
    """Write the canonical bytes of a run, so that the file's SHA-256 is the run's digest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(run.canonical())


def read_run(path: Path) -> "Run":
    """Read a run from its file.

    Raises:
        NotFound: There is no such file.
        InvalidInput: It holds no run.
    """
    from fairlead.core import NotFound, decode
    from fairlead.evals import Run

    if not path.is_file():
        raise NotFound("there is no such run", where=str(path), mend="write one with `fairlead eval SUITE --out run.json`")
    return decode(path.read_bytes(), Run, where=str(path))


def write_runs(runs: Sequence["Run"], out: Path | None) -> None:
    """Write runs; of two, the unguarded one goes to a file beside the other, as ``run.unguarded.json``."""
    for run in runs if out is not None else ():
        beside = len(runs) > 1 and not run.guarded
        write_run(run, out.with_suffix(f".unguarded{out.suffix}") if beside and out is not None else out)  # type: ignore[arg-type] # out is not None here


def show_rates(name: str, sides: "Sequence[tuple[str, Sequence[MetricEstimate]]]") -> None:
    """Print a row for each rate and a column for each run: counts, rate, interval, and clusters where they are fewer than the cases.

    Args:
        name: Of the suite.
        sides: For each run its name and its rates. Parts of fewer than five cases are counted, not shown: they say next to nothing.
    """
    from fairlead.cli.output import show_table

    keys = dict.fromkeys((row.metric, row.part) for _, rows in sides for row in rows if row.estimate.n >= SMALL or row.part == "all")
    cells = [{(row.metric, row.part): rate_cell(row) for row in rows} for _, rows in sides]
    table = [(metric.replace("_", " "), part, *(side.get((metric, part), "-") for side in cells)) for metric, part in keys]
    show_table(f"{name}. {RATE_TITLE}", ("metric", "of", *(side for side, _ in sides)), table)
    small = len({(row.metric, row.part) for _, rows in sides for row in rows}) - len(keys)
    if small:
        click.echo(f"{small} parts of fewer than {SMALL} cases are left out here; --json has them")


def rate_cell(row: "MetricEstimate") -> str:
    """Return one rate as a table shows it."""
    rate = row.estimate
    clusters = f" in {rate.clusters} clusters" if rate.clusters != rate.n else ""
    unscored = f", {row.unscored} unscored" if row.unscored else ""
    return f"{rate.k}/{rate.n}{clusters} = {rate.value:.1%} [{rate.low:.1%}, {rate.high:.1%}]{unscored}"


SMALL = 5
RATE_TITLE = "Rates with 95 % Wilson intervals (at the effective n where cases are clustered); unscored counts against the target"


def claim_rows(judgements: Sequence["Judgement"]) -> list[tuple[str, ...]]:
    """Return a row for each claim: what it says, what was counted, and the answer."""
    rows: list[tuple[str, ...]] = []
    for judgement in judgements:
        claim = judgement.claim
        part = " ".join(word for word in (claim.hazard, claim.origin) if word)
        says = f"{claim.metric.replace('_', ' ')} {claim.direction.replace('_', ' ')} {claim.p0:.1%}{f' ({part})' if part else ''}"
        rows.append((claim.id, says, judgement.answer, judgement.reason))
    return rows


CLAIM_COLUMNS = ("claim", "says", "answer", "because (exact one-sided bound, Clopper-Pearson)")
