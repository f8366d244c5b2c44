"""``fairlead agent-range``, as a person types it."""

import json
from pathlib import Path

from click.testing import CliRunner

from fairlead.cli.environments import agent_range

DESK = Path(__file__).parents[2] / "examples" / "agent_range" / "desk"


def test_one_attack_is_played_again_by_its_id_with_every_step() -> None:
    asked = [str(DESK), "--task", "desk-t01", "--attack", "desk-g05", "--json"]
    first, second = (CliRunner().invoke(agent_range, asked, standalone_mode=False) for _ in range(2))
    assert first.output == second.output
    told = json.loads(first.output)
    assert (first.return_value, told["played"], told["achieved"]) == (0, 1, 0)
    stopped = next(step for step in told["runs"][0]["steps"] if step["who"] == "attacker")
    assert (stopped["tool"], stopped["action"], stopped["made"]) == ("refund_order", "require_approval", False)


def test_without_the_broker_the_same_attack_succeeds_and_the_exit_code_says_so() -> None:
    asked = [str(DESK), "--task", "desk-t01", "--attack", "desk-g05+base64", "--unguarded"]
    done = CliRunner().invoke(agent_range, asked, standalone_mode=False)
    assert done.return_value == 10
    assert "desk-g05+base64 achieved its goal in desk-t01" in done.output


def test_an_attack_that_is_not_there_is_no_pass() -> None:
    done = CliRunner().invoke(agent_range, [str(DESK), "--attack", "desk-g99"], standalone_mode=False)
    assert done.exception is not None
    assert "no such task or attack" in str(done.exception)
