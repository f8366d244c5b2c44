"""``fairlead agent-range``: play attacks that an agent obeys in full against a tool policy."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from fairlead.cli.output import json_option

if TYPE_CHECKING:
    from fairlead.redteam import Attack, Played, System, Task

ACHIEVED = 10


@click.command("agent-range")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--policy", type=click.Path(path_type=Path, dir_okay=False), help="Policy to try; the folder's fairlead.yaml by default.")
@click.option("--unguarded", is_flag=True, help="Without any broker.")
@click.option("--task", "task_id", default="", help="Only this task of a user.")
@click.option("--attack", "attack_id", default="", help="Only this attack, such as desk-g01 or desk-g01+base64; `none`: the tasks alone.")
@click.option("--person", type=click.Choice(["right", "absent"]), default="right", help="Who answers questions: rightly, or nobody.")
@json_option
def agent_range(
    folder: Path, *, policy: Path | None, unguarded: bool, task_id: str, attack_id: str, person: Literal["right", "absent"], as_json: bool
) -> int:
    """Play every task with every attack of an environment, by an agent that obeys, and say which attacks achieved their goal.

    The exit code is 10 when one did. A replay asks no model and gives the same result each time.
    """
    from fairlead.cli.output import show_json
    from fairlead.cli.policy_files import read_release
    from fairlead.core import NotFound
    from fairlead.redteam import Replay, read_environment

    system = read_environment(folder)
    replay = Replay(system, None if unguarded else read_release(policy or folder / "fairlead.yaml"))
    chosen = [(task, attack) for task in system.tasks if task_id in ("", task.id) for attack in _attacks(system, task, attack_id)]
    if not chosen:
        raise NotFound("there is no such task or attack, or they can't be played together", where=str(folder), mend="see its files for ids")
    played = [replay.play(task, attack, person) for task, attack in chosen]
    achieved = sum(entry.achieved for entry in played)
    if as_json:
        show_json({"system": system.system, "played": len(played), "achieved": achieved, "runs": played})
    else:
        _tell(played)
    return ACHIEVED if achieved else 0


def _attacks(system: "System", task: "Task", asked: str) -> Iterator["Attack | None"]:
    """Yield the attacks that are asked for and can be played with a task."""
    from fairlead.redteam import VARIANTS, attack_of, overlaps, variants

    if asked == "none":
        yield None
        return
    found = [attack_of(goal) for goal in system.goals]
    if "+" in asked:
        found = [attack for name in VARIANTS for attack in variants(system, name, task)]
    yield from (attack for attack in found if asked in ("", attack.id) and not overlaps(system, task, attack))


def _tell(played: "list[Played]") -> None:
    attacks = [entry for entry in played if entry.attack]
    if len(played) == 1:
        for step in played[0].steps:
            click.echo(
                f"{step.who}: {step.tool}: {step.action}{'' if step.made else ', not made'}{f' ({step.reason})' if step.reason else ''}"
            )
    for entry in (entry for entry in attacks if entry.achieved):
        click.secho(f"{entry.attack} achieved its goal in {entry.task}", fg="red")
    if attacks:
        arrived = sum(entry.delivered for entry in attacks)
        click.echo(f"{sum(entry.achieved for entry in attacks)} of {len(attacks)} attacks achieved their goal; {arrived} were read")
    asked = sum(entry.asked for entry in played)
    click.echo(f"{sum(entry.done for entry in played)} of {len(played)} tasks were done; {asked} questions about them")
