"""``tools/list``: only what the policy lists, the caller may use, a person has reviewed and the guard lets pass."""

import mcp_types as types
from mcp.shared.exceptions import MCPError

from fairlead.agents import MENDS, Standing
from fairlead.core import Stage
from fairlead.gateway.mcp.desk import Talk, stopped_text
from fairlead.guard import Spot, StageOutcome, guard_output
from fairlead.wire import Json, apply_edits, read_definition

STAGE: Stage = "tool_definition"


async def list_tools(talk: Talk) -> dict[str, Json]:
    """Return the tools that a caller may see; those that are withheld are told in ``_meta``, with the reason."""
    stopped = await talk.gate(())
    if stopped is not None:
        await talk.exchange.commit()
        raise MCPError(types.INVALID_REQUEST, stopped_text(stopped, "The list of tools"))
    surveyed = await talk.servers.survey(talk.caller.tenant, talk.exchange.serving.release, fresh=True)
    shown: list[Json] = []
    withheld: list[Json] = []
    for standing in surveyed.standings:
        if not talk.may_use(standing.tool):
            continue
        body, outcome = await _look_at(talk, standing)
        if outcome.stopped:
            rule = outcome.decision.rule
            withheld.append({"tool": standing.tool, "server": standing.definition.server, "rule": rule, "why": MENDS.get(rule, "")})
        else:
            shown.append({**body, "name": standing.tool})
    await talk.exchange.commit()
    return {"tools": shown, **talk.ending(withheld=withheld, silent=list(surveyed.silent))}


async def _look_at(talk: Talk, standing: Standing) -> tuple[dict[str, Json], StageOutcome]:
    definition = standing.definition
    place = f"{definition.server}/{definition.name}"
    told = read_definition(definition.body, standing.tool)
    talk.exchange.saw(told.segments)
    if standing.withheld:
        return {}, await talk.refuse(standing.withheld, STAGE, place, told.segments)
    outcome = await talk.exchange.run(guard_output(talk.context, told.segments, spot=Spot(STAGE, place)))
    if not outcome.stopped:
        apply_edits(told.body, outcome.texts)
    return told.body, outcome
