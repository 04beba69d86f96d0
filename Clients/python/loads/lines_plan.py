"""What a program of the dialect `lines` is told of its plan (Docs/RunnerProtocol.md)."""

from __future__ import annotations

import json

#: What to do about a run that no runner of the dialect `lines` can carry out.
_ADVICE = ("; leave it out, or run on agents in Swift only: give them a label of their own (--labels engine=swift) and ask "
           "for it (loads --label engine=swift)")


def unknown(order: dict) -> str | None:
    """Why the order is not one for a program of the dialect `lines`; None when it is."""
    plan = order["plan"]
    if order.get("phase") not in (None, "run"):
        return ("this agent knows no set-up and no tear-down of programs and URLs (--set-up); run on agents in Swift only, "
                "by a label of theirs (loads --label engine=swift)")
    if not plan.get("cycles"):
        option = "--rate" if "arrivals" in plan else "--stages" if "user_stages" in plan else "a mix of scenarios"
    elif plan.get("pacing_ns"):
        option = "--pacing"
    elif plan.get("warm_up_ns"):
        option = "--warm-up"
    elif plan.get("think") and plan["think"].get("kind") != "constant":
        option = f"--think {plan['think'].get('kind')}(…)"
    else:
        return None
    return f"{option} is not known to this agent's runners, which play users in cycles{_ADVICE}"


def essentials(plan: dict, run: str, agent: str) -> dict[str, str]:
    """What the plan's line says, as environment for programs that do not want to read it."""
    cycle = plan["cycles"][0]
    variables = {
        "LOADS_RUNNER": "1", "LOADS_RESULTS_FD": "3", "LOADS_RUN_ID": run, "LOADS_AGENT_ID": agent,
        "LOADS_TOTAL_USERS": str(cycle["users"]), "LOADS_FIRST_USER": str(plan.get("first_user") or 0),
    }
    for key in ("ramp_up", "think", "grace"):
        variables[f"LOADS_{key.upper()}"] = f"{plan.get(f'{key}_ns', 0) / 1e9:g}"
    if cycle.get("iterations") is not None:
        variables["LOADS_TOTAL_HITS"] = str(cycle["iterations"])
    else:
        variables["LOADS_DURATION"] = f"{cycle['duration_ns'] / 1e9:g}"
    if plan.get("server_url"):
        variables["LOADS_SERVER_URL"] = plan["server_url"]
    return variables


def plan_line(plan: dict, run: str, agent: str, at: float, raw: bool, value: bytes | None = None) -> dict:
    """The first line. `at`: seconds since the start of the run. `value`: what the set-up has handed over, as JSON."""
    cycles = [_cycle(cycle) for cycle in plan["cycles"]]
    line = {**cycles[0], "first_user": plan.get("first_user") or 0}
    for key in ("ramp_up", "think", "pause", "grace", "timeout"):
        if plan.get(f"{key}_ns") is not None:
            line[f"{key}_s"] = plan[f"{key}_ns"] / 1e9
    for key in ("server_url", "new_connections"):
        if plan.get(key) is not None:
            line[key] = plan[key]
    line["seed"] = plan.get("seed") or 0
    part = plan.get("part") or {}
    line["part"] = {"index": part.get("index") or 0, "count": part.get("count") or 1}
    line["raw"] = raw
    line["cycles"] = cycles
    told = {"plan": line, "run": run, "agent": agent, "t": at}
    return {**told, "value": json.loads(value)} if value else told


def _cycle(cycle: dict) -> dict:
    if cycle.get("iterations") is not None:
        return {"users": cycle["users"], "iterations": cycle["iterations"]}
    return {"users": cycle["users"], "duration_s": cycle["duration_ns"] / 1e9}
