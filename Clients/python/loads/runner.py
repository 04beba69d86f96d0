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
import traceback
from typing import Callable

from .marks import Marks
from .plan import BackOff, Cycle, Plan
from .results import Printed, Results
from .session import Connections, RequestError, Session

#: Enough for a scenario and a TLS handshake; the default of 8 MiB would be reserved for each of thousands.
STACK = 512 << 10


class Skip(Exception):
    """Raised by a scenario: this iteration does not count as failed, it was not meant to run."""


class _Ended(BaseException):
    """Raised inside `User.sleep` when the run ends at once. Not an Exception: scenarios must not catch it."""


class User(Marks, Session):
    """What a scenario is given: a session for one iteration, and who and when it is."""

    def __init__(self, run: "Run", number: int, iteration: int, connections: Connections) -> None:
        super().__init__(
            run.results.put, self._hit, run.plan.server_url, connections, run.plan.timeout_s or 60.0, run.clock)
        self._run = run
        #: The number of the user in the whole run, from 0.
        self.number = number
        #: The number of the iteration of this user, from 0.
        self.iteration = iteration
        #: The number of the first user of this process.
        self.first_user = run.plan.first_user
        #: Whether a request had no complete response.
        self.had_error = False

    def sleep(self, seconds: float) -> None:
        """Waits, as a person does between two clicks. Ends early when the run is aborted."""
        if self._run.cut.wait(seconds):
            raise _Ended

    def note(self, text: str) -> None:
        """Says something to whoever watches the run."""
        self._run.results.put({"note": text})

    def _hit(self, hit: dict, start: float, end: float) -> None:
        self.had_error = self.had_error or hit["error"] is not None
        self._run.results.put({
            "t": start - self._run.start, "user": self.number, "iteration": self.iteration,
            "ms": (end - start) * 1000, **hit,
        })


def run(scenario: Callable[[User], None], server_url: str | None = None) -> None:
    """Runs a scenario: under load when an agent has started this program, and otherwise once, printing what happens.

    Returns when the run is over; one iteration that fails ends the program with 1. `server_url` is used where the run names none.
    """
    text = os.environ.pop("LOADS_RESULTS_FD", None)
    if text is None:
        _try(scenario, server_url)
        return
    line = json.loads(sys.stdin.buffer.readline() or "{}")
    if "plan" not in line:
        # The run was ended before it began.
        return
    plan = Plan.parse(line)
    plan.server_url = plan.server_url or server_url
    os.set_inheritable(int(text), False)
    work = Run(plan, scenario, None)
    work.results = Results(int(text), on_gone=work.abort)
    threading.Thread(target=work.listen, args=(sys.stdin.buffer,), name="loads-commands", daemon=True).start()
    work.perform()
    sys.stdout.flush()
    sys.stderr.flush()
    # Users that ignore their end hold the interpreter up for ever; everything is reported by now.
    os._exit(0)


def _try(scenario: Callable[[User], None], server_url: str | None) -> None:
    base = os.environ.get("LOADS_SERVER_URL") or (sys.argv[1] if len(sys.argv) > 1 else server_url)
    printed = Printed()
    Run(Plan([Cycle(users=1, iterations=1)], server_url=base), scenario, printed).perform()
    server = f"--server-url {base} " if base else ""
    print(f"one iteration; under load: loads -c 10 -n 10 {server}-- python3 {sys.argv[0]}", file=sys.stderr)
    if printed.failed:
        raise SystemExit(1)


class Run:
    """A plan carried out by threads."""

    def __init__(self, plan: Plan, scenario: Callable[[User], None], results, clock=time.perf_counter) -> None:
        self.plan = plan
        self.scenario = scenario
        self.results = results
        self.clock = clock
        #: Time 0 of the run, which the plan may have come a little late for.
        self.start = clock() - plan.late_s
        #: Set when running iterations must end now.
        self.cut = threading.Event()
        self._condition = threading.Condition()
        self._stopped_at: float | None = None
        self._grace = plan.grace_s
        #: What was told while running: (at, users, first new user), in the order of coming.
        self._adjustments: list[tuple[float, int, int | None]] = []
        self._active: dict[int, _Life] = {}
        self._iterations: dict[int, int] = {}
        self._connections: dict[int, Connections] = {}
        self._next_user = plan.first_user

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
                self.adjust(float(told.get("at_s") or 0), int(told["users"]), None if first is None else int(first))
            elif "stop" in command:
                self.stop((command["stop"] or {}).get("grace_s"))
            elif "abort" in command:
                self.abort()
        self.stop(None)

    def stop(self, grace: float | None) -> None:
        """No further iterations; running ones may go on for the grace."""
        with self._condition:
            if self._stopped_at is None:
                self._stopped_at = self.clock()
                if grace is not None:
                    self._grace = float(grace)
            self._condition.notify_all()

    def abort(self) -> None:
        self.stop(0.0)
        with self._condition:
            self._grace = 0.0
            self._condition.notify_all()

    def adjust(self, at: float, users: int, first: int | None) -> None:
        """So many users from `at` seconds after the start."""
        with self._condition:
            self._adjustments.append((at, users, first))
            self._condition.notify_all()

    @property
    def stopping(self) -> bool:
        return self._stopped_at is not None

    # The run.

    def perform(self) -> None:
        """Carries the plan out; returns when everything is over and reported."""
        previous = threading.stack_size(STACK)
        try:
            for index, cycle in enumerate(self.plan.cycles):
                if index and not self.stopping:
                    self._wait(self.clock() + self.plan.pause_s)
                if self.stopping:
                    break
                self._cycle(cycle)
        finally:
            threading.stack_size(previous)
        self.results.put({"users": 0})
        for connections in self._connections.values():
            connections.close()
        self.results.close()

    def _cycle(self, cycle: Cycle) -> None:
        began = self.clock()
        deadline = None if cycle.duration_s is None else began + cycle.duration_s
        numbers = range(self.plan.first_user, self.plan.first_user + cycle.users)
        self._next_user = max(self._next_user, numbers.stop)
        with self._condition:
            for index, number in enumerate(numbers):
                self._add(number, cycle, deadline, began + self.plan.ramp_up_s * index / cycle.users)
        shown = None
        while True:
            with self._condition:
                count = sum(1 for life in self._active.values() if life.begun)
                over = not self._active
            if count != shown:
                self.results.put({"users": count})
                shown = count
            if over:
                return
            ends = [time for time in (self._stopped_at, deadline) if time is not None]
            if ends and self.clock() >= min(ends) + self._grace:
                self._end_now()
                return
            self._apply(cycle, deadline)
            self._wait(min([self.clock() + 0.1, *(self.start + entry[0] for entry in self._adjustments)]), for_change=True)

    def _apply(self, cycle: Cycle, deadline: float | None) -> None:
        """Carries out the adjustments whose time has come."""
        now = self.clock() - self.start
        with self._condition:
            due = [entry for entry in self._adjustments if entry[0] <= now]
            self._adjustments = [entry for entry in self._adjustments if entry[0] > now]
            if self.stopping:
                return
            for _, users, first in due:
                staying = [life for life in self._active.values() if not life.retired]
                for life in sorted(staying, key=lambda life: life.number)[users:]:
                    life.retire()
                number = self._next_user if first is None else first
                for _ in range(users - len(staying)):
                    while number in self._active:
                        number += 1
                    self._add(number, cycle, deadline, self.clock())
                    number += 1
                self._next_user = max(self._next_user, number)

    def _add(self, number: int, cycle: Cycle, deadline: float | None, begin: float) -> None:
        life = _Life(self, number, cycle.iterations, deadline, begin)
        self._active[number] = life
        try:
            threading.Thread(target=life.run, name=f"user-{number}", daemon=True).start()
        except RuntimeError as error:
            del self._active[number]
            self.results.put({"note": f"user {number} has no thread ({error}): it does not take part"})

    def _end_now(self) -> None:
        """Cancels what still runs: sleeps end, connections are cut, and what does not end then is left behind."""
        self.stop(0.0)
        self.cut.set()
        for connections in list(self._connections.values()):
            connections.cut()
        end = self.clock() + 5.0
        with self._condition:
            while self._active and self.clock() < end:
                self._condition.wait(0.1)
            for life in self._active.values():
                life.leave_behind()
            self._active.clear()

    def _wait(self, until: float, for_change: bool = False) -> None:
        """Waits until a time, or a stop; or, where that is wanted, for any change."""
        with self._condition:
            while (left := until - self.clock()) > 0 and not (self.stopping and not for_change):
                self._condition.wait(min(left, 0.1))
                if for_change:
                    return

    def ended(self, life: "_Life") -> None:
        with self._condition:
            if self._active.get(life.number) is life:
                del self._active[life.number]
            if not self._active:
                self._condition.notify_all()

    def next_iteration(self, number: int) -> int:
        with self._condition:
            self._iterations[number] = self._iterations.get(number, -1) + 1
            return self._iterations[number]

    def connections(self, number: int) -> Connections:
        """The connections of a user, which outlive its iterations and cycles."""
        with self._condition:
            return self._connections.setdefault(number, Connections())


class _Life:
    """One user in one cycle."""

    def __init__(self, run: Run, number: int, iterations: int | None, deadline: float | None, begin: float) -> None:
        self._run = run
        self.number = number
        self._iterations = iterations
        self._deadline = deadline
        self._begin = begin
        self._lock = threading.Lock()
        self._current: tuple[int, float] | None = None
        self._left = False
        self.begun = False
        self.retired = False
        self._wake = threading.Event()

    def retire(self) -> None:
        """No further iteration."""
        self.retired = True
        self._wake.set()

    def leave_behind(self) -> None:
        """Reports the iteration that runs as interrupted, whatever becomes of it."""
        with self._lock:
            self._left = True
            if self._current:
                self._report("interrupted", *self._current)

    def run(self) -> None:
        try:
            self._nap(self._begin)
            self._repeat()
        finally:
            self._run.ended(self)

    def _repeat(self) -> None:
        run = self._run
        back_off = BackOff()
        done = 0
        while not (run.stopping or self.retired):
            if self._iterations is not None and done >= self._iterations:
                return
            if self._deadline is not None and run.clock() >= self._deadline:
                return
            self.begun = True
            start = run.clock()
            had_error = self._iterate(start)
            done += 1
            end = run.clock()
            wait = max(run.plan.think_s, back_off.delay(had_error, end - start))
            if wait > 0 and done != self._iterations:
                self._nap(end + wait)

    def _iterate(self, start: float) -> bool:
        run = self._run
        number = run.next_iteration(self.number)
        connections = run.connections(self.number)
        user = User(run, self.number, number, connections)
        with self._lock:
            self._current = (number, start)
        outcome = "ok"
        try:
            run.scenario(user)
        except Skip:
            outcome = "skipped"
        except _Ended:
            outcome = "interrupted"
        except BaseException as error:
            outcome = "failed"
            if not run.cut.is_set() and not isinstance(error, RequestError):
                user.fail(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__, _where(error))
            elif not run.cut.is_set():
                user.fail(str(error), _where(error))
        if user.had_failure and outcome == "ok":
            outcome = "failed"
        if run.cut.is_set() and outcome == "failed":
            outcome = "interrupted"
        with self._lock:
            if not self._left:
                self._report(outcome, number, start)
            self._current = None
        if run.plan.new_connections:
            connections.close()
        return user.had_error

    def _report(self, outcome: str, number: int, start: float) -> None:
        self._run.results.put({"iteration": {
            "user": self.number, "number": number, "outcome": outcome, "ms": (self._run.clock() - start) * 1000,
        }})

    def _nap(self, until: float) -> None:
        if self._deadline is not None:
            until = min(until, self._deadline)
        while (left := until - self._run.clock()) > 0 and not (self._run.stopping or self.retired):
            self._wake.wait(min(left, 0.1))


def _where(error: BaseException) -> str:
    """The scenario's own line in which an exception arose: not ours, not the library's."""
    own = os.path.dirname(os.path.abspath(__file__))
    frames = traceback.extract_tb(error.__traceback__)
    outside = [frame for frame in frames if not os.path.abspath(frame.filename).startswith(own)]
    frame = (outside or list(frames))[0]
    script = os.path.abspath(sys.argv[0]) if sys.argv else ""
    for candidate in outside:
        if os.path.abspath(candidate.filename) == script:
            frame = candidate
    return f"{os.path.basename(frame.filename)}:{frame.lineno}"
