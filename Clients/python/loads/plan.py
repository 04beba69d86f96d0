"""What a runner of the dialect `lines` is told: its plan, and what changes it while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from .draws import ThinkTime

#: What of a plan `loads.run` knows beyond users in cycles: the names of Docs/RunnerProtocol.md, What a program knows.
KNOWN = ["arrivals", "user_stages", "pacing", "think", "warm_up"]


@dataclass
class Cycle:
    """Users that work at the same time, and how much each does: a number of iterations, or until a time is over."""

    users: int
    iterations: int | None = None
    duration_s: float | None = None


@dataclass
class Plan:
    """The share of a run that one runner carries out. Times are seconds."""

    #: Empty in the other two models, which are the maps of Docs/RunnerProtocol.md.
    cycles: list[Cycle]
    user_stages: dict | None = None
    arrivals: dict | None = None
    first_user: int = 0
    ramp_up_s: float = 0.0
    think: ThinkTime = field(default_factory=lambda: ThinkTime(0.0))
    pacing_s: float = 0.0
    warm_up_s: float = 0.0
    pause_s: float = 0.0
    grace_s: float = 30.0
    timeout_s: float | None = None
    new_connections: bool = False
    server_url: str | None = None
    raw: bool = False
    run: str = ""
    agent: str = ""
    #: How long after the start of the run the plan was written.
    late_s: float = 0.0
    #: Time 0 of the run on the clock that the agent and this program share, in nanoseconds; None where it is not told.
    start_ns: int | None = None
    #: What the set-up has handed over; None where there is none.
    value: object = None
    #: The line as it came, for what this class does not know.
    line: dict = field(default_factory=dict)

    @classmethod
    def parse(cls, line: dict) -> "Plan":
        """Reads the first line of standard input.

        Raises ValueError when it holds no plan.
        """
        plan = line.get("plan")
        if not isinstance(plan, dict):
            raise ValueError("the first line on standard input has no \"plan\"")
        user_stages, arrivals = plan.get("user_stages"), plan.get("arrivals")
        cycles = [] if user_stages or arrivals else [_cycle(entry) for entry in plan.get("cycles") or [plan]]

        def seconds(key: str, default: float | None) -> float | None:
            return default if plan.get(key) is None else float(plan[key])

        return cls(
            cycles=cycles, user_stages=user_stages, arrivals=arrivals, first_user=int(plan.get("first_user") or 0),
            ramp_up_s=seconds("ramp_up_s", 0.0), think=ThinkTime(seconds("think_s", 0.0), plan.get("think")),
            pacing_s=seconds("pacing_s", 0.0), warm_up_s=seconds("warm_up_s", 0.0), pause_s=seconds("pause_s", 0.0), grace_s=seconds("grace_s", 30.0),
            timeout_s=seconds("timeout_s", None), new_connections=bool(plan.get("new_connections")),
            server_url=plan.get("server_url"), raw=bool(plan.get("raw")), run=str(line.get("run") or ""),
            agent=str(line.get("agent") or ""),
            late_s=float(line.get("t") or 0),
            start_ns=None if line.get("start_ns") is None else int(line["start_ns"]),
            value=line.get("value"), line=line)


def _cycle(entry: dict) -> Cycle:
    cycle = Cycle(users=int(entry["users"]))
    if entry.get("iterations") is not None:
        cycle.iterations = int(entry["iterations"])
    elif entry.get("duration_s") is not None:
        cycle.duration_s = float(entry["duration_s"])
    else:
        raise ValueError("a cycle has neither \"iterations\" nor \"duration_s\"")
    return cycle


class BackOff:
    """How long a user waits when the server is dead, so that it does not spin: doubling, from 10 to 250 ms."""

    def __init__(self) -> None:
        self._last = 0.0

    def delay(self, after_error: bool, service: float) -> float:
        """Seconds to wait after an iteration that took `service` seconds."""
        dead = after_error and service < 0.010
        self._last = min(0.250, max(0.010, self._last * 2)) if dead else 0.0
        return self._last
