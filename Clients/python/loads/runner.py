"""Runs a scenario with many users and reports to the agent: the dialect `lines` of Docs/RunnerProtocol.md.

Each user is a thread with a small stack. Scenarios are plain blocking code; Python's global lock lets one of them
compute at a time, so one process sends some thousand requests a second. Some thousand users that mostly wait are fine.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Callable

from .arrival_crew import ArrivalCrew
from .crews import Adjustment, CycleCrew, StageCrew
from .lives import Ended, Skip
from .marks import Marks
from .plan import KNOWN, Cycle, Plan
from .results import Printed, Results
from .session import Connections, Session

__all__ = ["Run", "Skip", "User", "run"]

#: Enough for a scenario and a TLS handshake; the default of 8 MiB would be reserved for each of thousands.
STACK = 512 << 10


class User(Marks, Session):
    """What a scenario is given: a session for one iteration, and who and when it is."""

    def __init__(self, run: "Run", number: int, iteration: int, connections: Connections, since: float) -> None:
        """`since`: when its iteration started, or was due, on the run's clock."""
        self._since = since
        super().__init__(
            lambda record: run.put(record, since), self._hit, run.plan.server_url, connections, run.plan.timeout_s or 60.0, run.clock)
        self._run = run
        #: The number of the user in the whole run, from 0.
        self.number = number
        #: The number of the iteration of this user, from 0.
        self.iteration = iteration
        #: The number of the first user of this process.
        self.first_user = run.plan.first_user
        #: What `set_up` has returned, as JSON brings it; None without one.
        self.value = run.plan.value
        #: Whether a request had no complete response.
        self.had_error = False

    def sleep(self, seconds: float) -> None:
        """Waits, as a person does between two clicks. Ends early when the run is aborted."""
        if self._run.cut.wait(seconds):
            raise Ended

    def note(self, text: str) -> None:
        """Says something to whoever watches the run."""
        self._run.results.put({"note": text})

    def _hit(self, hit: dict, start: float, end: float) -> None:
        self.had_error = self.had_error or hit["error"] is not None
        self._run.put({
            "t": start - self._run.start, "user": self.number, "iteration": self.iteration,
            "ms": (end - start) * 1000, **hit,
        }, self._since)


class Once(Session):
    """What `set_up` and `tear_down` are given: a session whose requests are not measured."""

    def __init__(self, server_url: str | None, seed: int = 0, value: object = None) -> None:
        super().__init__(lambda *_: None, server_url, Connections(), 60.0)
        #: What the run's random choices are drawn from.
        self.seed = seed
        #: In `tear_down` what `set_up` has returned, as JSON brings it.
        self.value = value


def run(scenario: Callable[[User], None], server_url: str | None = None,
        set_up: Callable[[Once], object] | None = None, tear_down: Callable[[Once], None] | None = None) -> None:
    """Runs a scenario: under load when an agent has started this program, and otherwise once, printing what happens.

    - `server_url` is used where the run names none.
    - `set_up` and `tear_down` are called once for the whole run, before all users and after them, when it is given `--set-up`
      (and when nobody loads). What `set_up` returns, anything that JSON can hold, is the `value` of all users on all agents.

    Returns when the run is over; one iteration that fails ends the program with 1.
    """
    text = os.environ.pop("LOADS_RESULTS_FD", None)
    if text is None:
        _try(scenario, server_url, set_up, tear_down)
        return
    os.set_inheritable(int(text), False)
    try:
        os.write(int(text), json.dumps({"knows": KNOWN}).encode() + b"\n")
    except OSError:
        # The agent is gone: so is the input.
        pass
    line = json.loads(sys.stdin.buffer.readline() or "{}")
    for phase, work in (("set_up", set_up), ("tear_down", tear_down)):
        if phase in line:
            _once(work, line, line[phase].get("server_url") or server_url, int(text))
            return
    if "plan" not in line:
        # The run was ended before it began.
        return
    plan = Plan.parse(line)
    plan.server_url = plan.server_url or server_url
    work = Run(plan, scenario, None)
    work.results = Results(int(text), on_gone=work.abort)
    threading.Thread(target=work.listen, args=(sys.stdin.buffer,), name="loads-commands", daemon=True).start()
    work.perform()
    sys.stdout.flush()
    sys.stderr.flush()
    # Users that ignore their end hold the interpreter up for ever; everything is reported by now.
    os._exit(0)


def _once(work: Callable[[Once], object] | None, line: dict, server_url: str | None, results: int) -> None:
    """Plays no users. An exception that comes out of it is the failure of the set-up or tear-down."""
    if work is None:
        return
    told = line.get("set_up") or line.get("tear_down") or {}
    value = work(Once(server_url, int(told.get("seed") or 0), line.get("value")))
    if "set_up" in line and value is not None:
        data = memoryview(json.dumps({"value": value}).encode() + b"\n")
        while data:
            data = data[os.write(results, data):]


def _try(scenario: Callable[[User], None], server_url: str | None, set_up: Callable[[Once], object] | None,
         tear_down: Callable[[Once], None] | None) -> None:
    base = os.environ.get("LOADS_SERVER_URL") or (sys.argv[1] if len(sys.argv) > 1 else server_url)
    printed = Printed()
    # As it comes to the users: through JSON.
    value = json.loads(json.dumps(set_up(Once(base)))) if set_up else None
    try:
        Run(Plan([Cycle(users=1, iterations=1)], server_url=base, value=value), scenario, printed).perform()
    finally:
        if tear_down:
            tear_down(Once(base, value=value))
    server = f"--server-url {base} " if base else ""
    print(f"one iteration; under load: loads -c 10 -n 10 {server}-- python3 {sys.argv[0]}", file=sys.stderr)
    if printed.failed:
        raise SystemExit(1)


class Run:
    """A plan carried out by threads."""

    def __init__(self, plan: Plan, scenario: Callable[[User], None], results) -> None:
        self.plan = plan
        self.scenario = scenario
        self.results = results
        #: Time 0 of the run, which the plan may have come a little late for.
        self.start = self.clock() - plan.late_s if plan.start_ns is None else plan.start_ns / 1e9
        #: Set when running iterations must end now.
        self.cut = threading.Event()
        #: Notified of whatever the users' crew waits for.
        self.changed = threading.Condition()
        #: When no further iteration was to begin; None while they may.
        self.stopped_at: float | None = None
        #: Whether somebody has stopped it, before its plan and the grace were over.
        self.was_stopped = False
        #: Seconds that running iterations may go on after a stop or the end of a duration.
        self.grace = plan.grace_s
        self._iterations: dict[int, int] = {}
        self._connections: dict[int, Connections] = {}
        crew = ArrivalCrew if plan.arrivals else StageCrew if plan.user_stages else CycleCrew
        self._crew = crew(self)

    @staticmethod
    def clock() -> float:
        """Seconds of the clock that the agent has, too: CLOCK_MONOTONIC."""
        return time.monotonic()

    # Told from outside, from any thread.

    def listen(self, stream) -> None:
        """Reads what the agent says until it says no more."""
        for line in stream:
            try:
                command = json.loads(line)
            except ValueError:
                continue
            if not isinstance(command, dict):
                continue
            if "adjust" in command:
                told = command["adjust"]
                first = told.get("first_new_user")
                self._crew.adjust(Adjustment(
                    float(told.get("at_s") or 0), int(told["users"]), None if first is None else int(first),
                    told.get("change")))
            elif "stop" in command:
                self.stop((command["stop"] or {}).get("grace_s"))
            elif "abort" in command:
                self.abort()
        self.stop(None)

    def stop(self, grace: float | None) -> None:
        """No further iterations; running ones may go on for the grace."""
        with self.changed:
            self.was_stopped = True
        self._close(grace)

    def _close(self, grace: float | None) -> None:
        with self.changed:
            if self.stopped_at is None:
                self.stopped_at = self.clock()
                if grace is not None:
                    self.grace = float(grace)
            self.changed.notify_all()

    def abort(self) -> None:
        self.stop(0.0)
        with self.changed:
            self.grace = 0.0
            self.changed.notify_all()

    def cut_all(self) -> None:
        """Ends sleeps and connections of all users."""
        self._close(0.0)
        self.cut.set()
        for connections in list(self._connections.values()):
            connections.cut()

    @property
    def stopping(self) -> bool:
        return self.stopped_at is not None

    # The run.

    def perform(self) -> None:
        """Carries the plan out; returns when everything is over and reported."""
        previous = threading.stack_size(STACK)
        try:
            self._crew.perform()
        finally:
            threading.stack_size(previous)
        self.results.put({"users": 0})
        for connections in self._connections.values():
            connections.close()
        self.results.close()

    def is_warm_up(self, time: float) -> bool:
        """Whether what starts, or is due, then is counted apart."""
        return time < self.start + self.plan.warm_up_s

    def marked(self, record: dict, is_warm_up: bool) -> dict:
        return {**record, "warm_up": True} if is_warm_up else record

    def put(self, record: dict, since: float) -> None:
        """Writes what belongs to an iteration that started, or was due, at a time."""
        self.results.put(self.marked(record, self.is_warm_up(since)))

    def user(self, number: int, iteration: int, connections: Connections, since: float) -> User:
        return User(self, number, iteration, connections, since)

    def next_iteration(self, number: int) -> int:
        with self.changed:
            self._iterations[number] = self._iterations.get(number, -1) + 1
            return self._iterations[number]

    def connections(self, number: int) -> Connections:
        """The connections of a user, which outlive its iterations and cycles."""
        with self.changed:
            return self._connections.setdefault(number, Connections())
