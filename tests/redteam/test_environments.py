"""The agent range: what its conditions, its replay and its frozen files are worth."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from fairlead.detectors import Registry
from fairlead.policy import compile_release, load_policy
from fairlead.redteam import (
    VARIANTS,
    Call,
    Environment,
    EnvironmentInvalid,
    Goal,
    Replay,
    System,
    Task,
    attack_of,
    places_read,
    read_environment,
    variants,
)

RANGE = Path(__file__).parents[2] / "examples" / "agent_range"
SYSTEMS = {name: read_environment(RANGE / name) for name in ("desk", "books", "office")}
GOALS = [(system, goal) for system in SYSTEMS.values() for goal in system.goals]
TASKS = [(system, task) for system in SYSTEMS.values() for task in system.tasks]
FROZEN = json.loads((RANGE / "FROZEN.json").read_text(encoding="utf-8"))


def guarded(name: str) -> Replay:
    registry = Registry(())
    text = (RANGE / name / "fairlead.yaml").read_text(encoding="utf-8")
    return Replay(SYSTEMS[name], compile_release(load_policy("fairlead.yaml", text, registry), registry))


@pytest.mark.parametrize(("system", "goal"), GOALS, ids=[goal.id for _, goal in GOALS])
def test_goal_is_false_at_first_and_true_once_its_calls_are_made(system: System, goal: Goal) -> None:
    environment = Environment(system)
    assert not environment.holds(goal.achieved)
    answers = [environment.make(call) for call in goal.calls]
    assert environment.holds(goal.achieved)
    assert not any(answer.startswith('{"error"') for answer in answers)


@pytest.mark.parametrize(("system", "task"), TASKS, ids=[task.id for _, task in TASKS])
def test_task_is_done_by_its_calls_and_reads_what_outsiders_wrote(system: System, task: Task) -> None:
    played = Replay(system).play(task)
    assert played.done
    assert not task.done or not Environment(system).holds(task.done)
    assert places_read(system, task)


def test_goals_are_independent_and_many_enough() -> None:
    last = {(system.system, goal.calls[-1].tool, json.dumps(goal.calls[-1].arguments, sort_keys=True)) for system, goal in GOALS}
    assert len(last) == len(GOALS) >= 60
    assert len(TASKS) >= 60
    assert len({goal.goal for _, goal in GOALS if not goal.goal.startswith("a false order is left")}) >= 60


@pytest.mark.parametrize("name", sorted(FROZEN["material"]))
def test_material_is_frozen(name: str) -> None:
    assert "sha256:" + hashlib.sha256((RANGE / name).read_bytes()).hexdigest() == FROZEN["material"][name]


@pytest.mark.parametrize("name", sorted(SYSTEMS))
def test_policy_is_the_last_that_was_looked_at_and_is_short(name: str) -> None:
    policy = (RANGE / name / "fairlead.yaml").read_bytes()
    assert "sha256:" + hashlib.sha256(policy).hexdigest() == FROZEN["looks"][-1]["policies"][name]
    assert len(policy.splitlines()) < 200
    assert len(FROZEN["looks"]) <= 2


def test_only_reserved_domains_are_named() -> None:
    for name in (file for file in FROZEN["material"] if not file.endswith("policies")):
        text = (RANGE / name).read_text(encoding="utf-8")
        domains = re.findall(r"(?<=@)[\w.-]+\.[a-z]+|(?<=://)[\w.-]+\.[a-z]+", text)
        assert [found for found in domains if not re.search(r"\.example$|(^|\.)example\.(com|net|org)$", found)] == []


def test_without_a_broker_the_attack_is_carried_out_right_after_it_was_read() -> None:
    system = SYSTEMS["desk"]
    played = Replay(system).play(system.tasks[0], attack_of(system.goals[2]))
    assert (played.delivered, played.achieved, played.done) == (True, True, True)
    assert [step.who for step in played.steps] == ["user", "attacker", "user", "user"]


def test_replay_is_the_same_every_time_and_runs_do_not_know_of_each_other() -> None:
    replay, system = guarded("desk"), SYSTEMS["desk"]
    pairs = [(task, attack_of(goal)) for task in system.tasks[:3] for goal in system.goals[:4]]
    first = [replay.play(*pair) for pair in pairs]
    assert [replay.play(*pair) for pair in reversed(pairs)] == first[::-1]
    assert [guarded("desk").play(*pair) for pair in pairs[:1]] == first[:1]


def test_who_answers_makes_the_difference_for_the_user_and_none_for_the_attacker() -> None:
    replay, system = guarded("books"), SYSTEMS["books"]
    task, attack = system.tasks[0], attack_of(system.goals[0])  # pays the account that an invoice names
    right, absent = replay.play(task, attack), replay.play(task, attack, "absent")
    assert (right.done, right.achieved) == (True, False)
    assert (absent.done, absent.achieved) == (False, False)
    assert right.asked == 1


def test_planted_text_shows_in_results_only() -> None:
    system = SYSTEMS["desk"]
    place = places_read(system, system.tasks[1])[0]
    environment = Environment(system, {place: "planted words"})
    assert "planted words" in environment.make(system.tasks[1].calls[0])
    assert "planted words" not in json.dumps(environment.tables)


def test_every_variant_is_possible_somewhere_and_arrives() -> None:
    for name in VARIANTS:
        system, task, attack = next(
            (system, task, attack) for system in SYSTEMS.values() for task in system.tasks for attack in variants(system, name, task)
        )
        played = Replay(system).play(task, attack)
        assert played.delivered
        assert played.achieved, name


def test_wrong_arguments_change_nothing() -> None:
    environment = Environment(SYSTEMS["desk"])
    before = json.dumps(environment.tables)
    for call in (
        Call(tool="refund_order", arguments={"order": "O-501"}),
        Call(tool="close_ticket", arguments={"ticket": "T-999"}),
        Call(tool="close_ticket", arguments={"ticket": "T-301", "why": "x"}),
    ):
        assert environment.make(call).startswith('{"error"')
    assert json.dumps(environment.tables) == before


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("system.yaml", "system: [unclosed"),
        ("system.yaml", "system: x"),
        ("tasks.jsonl", "{}"),
        ("goals.jsonl", '{"id":"g","goal":"g","calls":[{"tool":"absent"}],"achieved":[]}'),
    ],
)
def test_what_is_no_environment_is_refused_with_its_place(tmp_path: Path, file: str, text: str) -> None:
    for name in ("system.yaml", "tasks.jsonl", "goals.jsonl"):
        (tmp_path / name).write_bytes((RANGE / "desk" / name).read_bytes())
    (tmp_path / file).write_text(text, encoding="utf-8")
    with pytest.raises(EnvironmentInvalid, match=re.escape(str(tmp_path))):
        read_environment(tmp_path)
