"""What a program of the dialect `lines` is told of its plan (Docs/RunnerProtocol.md)."""

from __future__ import annotations

import json

from .schedule import Stripe

#: What to do about a run that no runner of the dialect `lines` can carry out.
_ADVICE = "; run on agents in Swift only: give them a label of their own (--labels engine=swift) and ask for it " \
          "(loads --label engine=swift)"
#: What is done once for a whole run, by a process of its own.
ONCE = ("set_up", "tear_down")
#: The largest value that a set-up may hand over, in bytes of JSON.
VALUE_BYTES = 262_144
#: What a program must have said that it knows, the option that asks for it, and whether a plan does.
_NEEDS = (
    ("arrivals", "--rate", lambda plan: "arrivals" in plan),
    ("user_stages", "--stages", lambda plan: "user_stages" in plan),
    ("pacing", "--pacing", lambda plan: bool(plan.get("pacing_ns"))),
    ("think", "a distribution as --think", lambda plan: (plan.get("think") or {}).get("kind", "constant") != "constant"),
    ("warm_up", "--warm-up", lambda plan: bool(plan.get("warm_up_ns"))),
)


def unknown(order: dict) -> str | None:
    """Why the order is none for a program of the dialect `lines`, whatever it knows; None when it is one."""
    plan = order["plan"]
    if order.get("phase") not in (None, "run", *ONCE):
        return f"a phase that this agent does not know ({order['phase']}){_ADVICE}"
    if not any(model in plan for model in ("cycles", "user_stages", "arrivals")):
        what = "a mix of scenarios" if "mix" in plan else "a model of load that is not named here"
        return f"{what}: programs and URLs have one model on this agent{_ADVICE}"
    if len(order.get("scenarios") or []) > 1:
        return f"several URLs: a run on this agent calls one{_ADVICE}"
    for option in ("insecure", "ca"):
        if option in (order.get("options") or {}):
            return f"--{option}: a run of a URL on this agent trusts whom the system trusts{_ADVICE}"
    return None


def needs(plan: dict) -> list[str]:
    """What a program must have said that it knows before it is given the plan; nothing for users in cycles."""
    return [name for name, _, is_asked in _NEEDS if is_asked(plan)]


def lack(missing: list[str], program: str, known: list[str] | None) -> str:
    """Why a program that does not know all of its plan is not started. `known`: what it says; None when it says nothing."""
    options = " and ".join(option for name, option, _ in _NEEDS if name in missing)
    names = ", ".join(f'"{name}"' for name in missing)
    said = "nothing of what it knows" if known is None else f"that it knows {', '.join(known) or 'nothing'}"
    return (f"{options}: {program} does not know it (it has said {said}); leave it out, or let the program follow it and "
            f'write {{"knows":[{names}]}} first (Docs/RunnerProtocol.md)')


def length(plan: dict) -> float | None:
    """Seconds from the start to the end of the plan, its grace aside; None when it ends after so many iterations."""
    if "cycles" not in plan:
        stages = (plan.get("arrivals") or plan.get("user_stages"))["stages"]
        return sum(stage["duration_ns"] for stage in stages) / 1e9
    cycles = plan["cycles"]
    if any(cycle.get("iterations") is not None for cycle in cycles):
        return None
    return (sum(cycle["duration_ns"] for cycle in cycles) + (len(cycles) - 1) * (plan.get("pause_ns") or 0)) / 1e9


def users(plan: dict) -> int:
    """How many users the plan begins with, or may have at most."""
    if "cycles" in plan:
        return plan["cycles"][0]["users"]
    if "arrivals" in plan:
        return plan["arrivals"]["max_users"]
    stripe = Stripe(plan["user_stages"].get("stripe"))
    return sum(stripe.owns(user) for user in range(max(stage["users"] for stage in plan["user_stages"]["stages"])))


def essentials(plan: dict, run: str, agent: str) -> dict[str, str]:
    """What the plan's line says, as environment for programs that do not want to read it."""
    variables = {
        "LOADS_RUNNER": "1", "LOADS_RESULTS_FD": "3", "LOADS_RUN_ID": run, "LOADS_AGENT_ID": agent,
        "LOADS_TOTAL_USERS": str(users(plan)), "LOADS_FIRST_USER": str(plan.get("first_user") or 0),
    }
    for key in ("ramp_up", "think", "grace"):
        variables[f"LOADS_{key.upper()}"] = f"{plan.get(f'{key}_ns', 0) / 1e9:g}"
    cycle = plan["cycles"][0] if "cycles" in plan else {}
    if cycle.get("iterations") is not None:
        variables["LOADS_TOTAL_HITS"] = str(cycle["iterations"])
    else:
        seconds = cycle["duration_ns"] / 1e9 if cycle else length(plan)
        variables["LOADS_DURATION"] = f"{seconds:g}"
    if needed := needs(plan):
        variables["LOADS_NEEDS"] = ",".join(needed)
    if plan.get("server_url"):
        variables["LOADS_SERVER_URL"] = plan["server_url"]
    return variables


def plan_line(plan: dict, run: str, agent: str, at: float, start_ns: int, raw: bool, value: bytes | None = None) -> dict:
    """The first line.

    - `at`: seconds since the start of the run. `start_ns`: the start on this machine's monotonic clock.
    - `value`: what the set-up has handed over, as JSON.
    """
    cycles = [_cycle(cycle) for cycle in plan.get("cycles") or []]
    line = {**(cycles[0] if cycles else {}), "first_user": plan.get("first_user") or 0}
    for key in ("ramp_up", "think", "pause", "grace", "timeout", "pacing", "warm_up"):
        if plan.get(f"{key}_ns") is not None:
            line[f"{key}_s"] = plan[f"{key}_ns"] / 1e9
    for key in ("server_url", "new_connections", "think", "user_stages", "arrivals"):
        if plan.get(key) is not None:
            line[key] = plan[key]
    line["seed"] = plan.get("seed") or 0
    part = plan.get("part") or {}
    line["part"] = {"index": part.get("index") or 0, "count": part.get("count") or 1}
    line["raw"] = raw
    if cycles:
        line["cycles"] = cycles
    told = {"plan": line, "run": run, "agent": agent, "t": at, "start_ns": start_ns}
    return {**told, "value": json.loads(value)} if value else told


def once_line(phase: str, plan: dict, run: str, agent: str, value: bytes | None = None) -> dict:
    """The first line of a process that does the set-up or the tear-down."""
    told = {"seed": plan.get("seed") or 0, "limit_s": length(plan)}
    if plan.get("server_url"):
        told["server_url"] = plan["server_url"]
    line = {phase: told, "run": run, "agent": agent}
    return {**line, "value": json.loads(value)} if value else line


def adjust_line(users: int, first: int, at_s: float, change: dict | None) -> dict:
    """What changes the plan while it runs. `change`: of a plan without cycles."""
    told = {"users": users, "first_new_user": first, "at_s": at_s}
    return {"adjust": {**told, "change": change} if change else told}


def _cycle(cycle: dict) -> dict:
    if cycle.get("iterations") is not None:
        return {"users": cycle["users"], "iterations": cycle["iterations"]}
    return {"users": cycle["users"], "duration_s": cycle["duration_ns"] / 1e9}
