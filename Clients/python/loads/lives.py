"""One user of a run: a thread that iterates, by itself or when an arrival is handed to it."""

from __future__ import annotations

import os
import queue
import sys
import threading
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .draws import SplitMix
from .plan import BackOff
from .session import RequestError

if TYPE_CHECKING:
    from .crews import Crew
    from .runner import Run


class Skip(Exception):
    """Raised by a scenario: this iteration does not count as failed, it was not meant to run."""


class Ended(BaseException):
    """Raised inside `User.sleep` when the run ends at once. Not an Exception: scenarios must not catch it."""


class Life:
    """What all users have in common: one iteration at a time, and its record."""

    def __init__(self, run: "Run", crew: "Crew", number: int) -> None:
        self._run = run
        self._crew = crew
        self.number = number
        #: Whether it counts as one of the users at work.
        self.begun = False
        self._lock = threading.Lock()
        #: The iteration that runs: its number, its start, and when it was due if it was.
        self._current: tuple[int, float, float | None] | None = None
        self._left = False

    def start(self) -> None:
        """Raises RuntimeError when there can be no further thread."""
        threading.Thread(target=self._live, name=f"user-{self.number}", daemon=True).start()

    def leave_behind(self) -> None:
        """Reports the iteration that runs as interrupted, whatever becomes of it."""
        with self._lock:
            self._left = True
            if self._current:
                self._report("interrupted", *self._current)

    def retire(self) -> None:
        """No further iteration."""

    def _live(self) -> None:
        try:
            self._work()
        finally:
            self._crew.ended(self)

    def _work(self) -> None:
        raise NotImplementedError

    def _iterate(self, start: float, due: float | None = None) -> bool:
        """One iteration that starts now. Returns whether a request of it had no complete response."""
        run = self._run
        number = run.next_iteration(self.number)
        connections = run.connections(self.number)
        user = run.user(self.number, number, connections, start if due is None else due)
        with self._lock:
            self._current = (number, start, due)
        outcome = "ok"
        try:
            run.scenario(user)
        except Skip:
            outcome = "skipped"
        except Ended:
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
                self._report(outcome, number, start, due)
            self._current = None
        if run.plan.new_connections:
            connections.close()
        return user.had_error

    def _report(self, outcome: str, number: int, start: float, due: float | None) -> None:
        end = self._run.clock()
        record = {"user": self.number, "number": number, "outcome": outcome, "ms": (end - start) * 1000}
        if due is not None:
            record["response_ms"] = (end - due) * 1000
        self._run.put({"iteration": record}, start if due is None else due)


class UserLife(Life):
    """A user that starts its next iteration when the last one has ended."""

    def __init__(self, run: "Run", crew: "Crew", number: int, iterations: int | None, deadline: float | None,
                 begin: float) -> None:
        """`begin`, `deadline`: on the run's clock; no iteration begins after the deadline."""
        super().__init__(run, crew, number)
        self._iterations = iterations
        self._deadline = deadline
        self._begin = begin
        self.retired = False
        self._wake = threading.Event()

    def retire(self) -> None:
        self.retired = True
        self._wake.set()

    def stay(self) -> None:
        """It is wanted again."""
        self.retired = False
        self._wake.clear()

    def _work(self) -> None:
        self._nap(self._begin)
        while True:
            self._repeat()
            if not self._crew.goes_on(self):
                return

    def _repeat(self) -> None:
        run, plan = self._run, self._run.plan
        random = SplitMix(self.number)
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
            wait = max(plan.think.draw(random), plan.pacing_s - (end - start), back_off.delay(had_error, end - start))
            if wait > 0 and done != self._iterations:
                self._nap(end + wait)

    def _nap(self, until: float) -> None:
        if self._deadline is not None:
            until = min(until, self._deadline)
        while (left := until - self._run.clock()) > 0 and not (self._run.stopping or self.retired):
            self._wake.wait(min(left, 0.1))


@dataclass
class Arrival:
    """An iteration that is due, on the run's clock."""

    due: float
    #: When it was taken up.
    taken: float
    #: Seconds that it waited because all users that there may be were busy.
    waited: float = 0.0


class ServingLife(Life):
    """A user that makes each arrival which it is handed an iteration."""

    def __init__(self, run: "Run", crew: "Crew", number: int) -> None:
        super().__init__(run, crew, number)
        self.begun = True
        #: None sends it home.
        self.inbox: queue.SimpleQueue[Arrival | None] = queue.SimpleQueue()

    def _work(self) -> None:
        while (arrival := self.inbox.get()) is not None:
            while arrival is not None:
                start = self._run.clock()
                if self._crew.starts(arrival, start):
                    self._iterate(start, arrival.due)
                arrival = self._crew.next_arrival(self)


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
