"""What a program of the dialect `lines` is told of its plan (Docs/RunnerProtocol.md)."""

from __future__ import annotations


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


def plan_line(plan: dict, run: str, agent: str, at: float, raw: bool) -> dict:
    """The first line. `at`: seconds since the start of the run."""
    cycles = [_cycle(cycle) for cycle in plan["cycles"]]
    line = {**cycles[0], "first_user": plan.get("first_user") or 0}
    for key in ("ramp_up", "think", "pause", "grace", "timeout"):
        if plan.get(f"{key}_ns") is not None:
            line[f"{key}_s"] = plan[f"{key}_ns"] / 1e9
    for key in ("server_url", "new_connections"):
        if plan.get(key) is not None:
            line[key] = plan[key]
    line["raw"] = raw
    line["cycles"] = cycles
    return {"plan": line, "run": run, "agent": agent, "t": at}


def _cycle(cycle: dict) -> dict:
    if cycle.get("iterations") is not None:
        return {"users": cycle["users"], "iterations": cycle["iterations"]}
    return {"users": cycle["users"], "duration_s": cycle["duration_ns"] / 1e9}
