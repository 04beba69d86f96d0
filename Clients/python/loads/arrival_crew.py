"""The users of an open model: arrivals are handed to free ones, and more are made as they are needed."""

from __future__ import annotations

import math
import sys
from collections import deque
from typing import TYPE_CHECKING

from .crews import Adjustment, Crew
from .cursor import ArrivalCursor
from .lives import Arrival, ServingLife
from .schedule import Schedule, Stripe

if TYPE_CHECKING:
    from .runner import Run

#: How often what became of arrivals is written, in seconds, and how many lags a line holds.
INTERVAL = 0.05
LAGS = 1000
#: Arrivals handed out before everything else is looked after.
BURST = 256
#: Users made before the first arrival, at most.
BEFOREHAND = 50


class _Counts:
    """What became of arrivals since the last line."""

    def __init__(self) -> None:
        self.planned = self.started = self.dropped = self.cancelled = 0
        #: Milliseconds, of those that started.
        self.lags: list[float] = []

    def record(self) -> dict | None:
        if not (self.planned or self.started or self.dropped or self.cancelled):
            return None
        return {"arrivals": {"planned": self.planned, "started": self.started, "dropped": self.dropped,
                             **({"cancelled": self.cancelled} if self.cancelled else {}), "lag_ms": self.lags}}


class ArrivalCrew(Crew):
    def __init__(self, run: "Run") -> None:
        super().__init__(run)
        arrivals = run.plan.arrivals
        self._cursor = ArrivalCursor(arrivals)
        self._deadline = run.start + Schedule(arrivals["stages"]).length / 1e9
        #: Users that there may be, and arrivals that may wait for one.
        self._limit = int(arrivals["max_users"])
        self._bound = int(arrivals["queue"])
        #: The most users that there ever might be, and the numbers of those that changes have added: from which on, the first.
        self._most = self._limit
        self._added: list[tuple[int, int]] = []
        self._made = 0
        #: Users without work; the one that worked last is last, its connections are the warmest.
        self._free: list[ServingLife] = []
        self._queue: deque[Arrival] = deque()
        #: Of the warm-up (True) and after it.
        self._counts = {True: _Counts(), False: _Counts()}
        self._written = run.start

    def adjust(self, adjustment: Adjustment) -> None:
        arrivals = (adjustment.change or {}).get("arrivals")
        if arrivals is None:
            return
        with self._changed:
            users = int(arrivals["max_users"])
            if users > self._most:
                if adjustment.first is not None:
                    self._added.append((self._most, adjustment.first))
                self._most = users
            self._limit, self._bound = users, int(arrivals["queue"])
            self._cursor.change(arrivals, int(adjustment.change["from_ns"]))
            self._changed.notify_all()

    def perform(self) -> None:
        # Threads that compute would otherwise hold the hands of the clock for 5 ms each.
        interval = sys.getswitchinterval()
        sys.setswitchinterval(0.0005)
        try:
            self._perform()
        finally:
            sys.setswitchinterval(interval)

    def _perform(self) -> None:
        run = self._run
        self._open()
        while True:
            with self._changed:
                now = run.clock()
                if run.stopping:
                    self._drop_all()
                else:
                    self._hand_out(now)
                is_over = run.stopping or (now >= self._deadline and self._cursor.due is None)
                is_over = is_over and not self._queue and self._is_idle()
            self._show()
            self._write(now, is_over)
            if is_over:
                break
            if self._is_out_of_grace(self._deadline):
                self._end_now()
                break
            due = self._cursor.due
            self._wait(min([now + INTERVAL, *([] if due is None else [run.start + due / 1e9])]))
        for life in list(self._active.values()):
            life.inbox.put(None)
        self._write(run.clock(), True)

    def _open(self) -> None:
        """Makes users before the first arrival: those of a tenth of a second, at the highest rate."""
        arrivals = self._run.plan.arrivals
        rate = max(int(stage["rate_uph"]) for stage in arrivals["stages"]) / 3.6e9
        share = Stripe(arrivals.get("stripe")).fraction
        with self._changed:
            for _ in range(min(self._limit, BEFOREHAND, max(1, math.ceil(rate * share / 10)))):
                if life := self._make():
                    self._free.append(life)

    def _make(self) -> ServingLife | None:
        life = ServingLife(self._run, self, self._number(self._made))
        if not self._enter(life):
            # There will not be another thread: those that there are do what they can.
            self._limit = min(self._limit, self._made)
            return None
        self._made += 1
        return life

    def _number(self, user: int) -> int:
        """Of the user `user` of this process: those that the plan did not foresee get numbers that nobody has had."""
        for first, number in reversed(self._added):
            if user >= first:
                return number + user - first
        return self._run.plan.first_user + user

    def _hand_out(self, now: float) -> None:
        for _ in range(BURST):
            due = self._cursor.due
            if due is None or self._run.start + due / 1e9 > now:
                return
            self._cursor.advance()
            self._take(Arrival(self._run.start + due / 1e9, now))

    def _take(self, arrival: Arrival) -> None:
        self._of(arrival).planned += 1
        if self._free:
            self._free.pop().inbox.put(arrival)
        elif self._made < self._limit and (life := self._make()):
            life.inbox.put(arrival)
        elif len(self._queue) < self._bound:
            self._queue.append(arrival)
        else:
            self._drop(arrival)

    def _of(self, arrival: Arrival) -> _Counts:
        return self._counts[self._run.is_warm_up(arrival.due)]

    def _drop(self, arrival: Arrival) -> None:
        """Counts one that does not become an iteration: once the run is stopped there is no saying whether it would have."""
        if self._run.was_stopped:
            self._of(arrival).cancelled += 1
        else:
            self._of(arrival).dropped += 1

    def _drop_all(self) -> None:
        for arrival in self._queue:
            self._drop(arrival)
        self._queue.clear()

    def _is_idle(self) -> bool:
        return len(self._free) == len(self._active)

    def _end_now(self) -> None:
        self._run.cut_all()
        with self._changed:
            self._drop_all()
        super()._end_now()

    # Told by the users.

    def starts(self, arrival: Arrival, start: float) -> bool:
        """Whether an arrival becomes an iteration, at its start."""
        with self._changed:
            if self._run.stopping:
                self._drop(arrival)
                return False
            counts = self._of(arrival)
            counts.started += 1
            counts.lags.append(round(max(0.0, start - arrival.due - arrival.waited) * 1000, 6))
            return True

    def next_arrival(self, life: ServingLife) -> Arrival | None:
        """The arrival that has waited longest; without one the user is free."""
        with self._changed:
            if self._queue and not self._run.stopping:
                arrival = self._queue.popleft()
                arrival.waited += max(0.0, self._run.clock() - arrival.taken)
                return arrival
            self._free.append(life)
            if self._is_idle() and (self._cursor.due is None or self._run.stopping):
                self._changed.notify_all()
            return None

    def ended(self, life: ServingLife) -> None:
        with self._changed:
            self._active.pop(life.number, None)

    # Written to the agent.

    def _write(self, now: float, all_of_it: bool) -> None:
        with self._changed:
            if not (all_of_it or now - self._written >= INTERVAL
                    or any(len(counts.lags) >= LAGS for counts in self._counts.values())):
                return
            self._written = now
            counts, self._counts = self._counts, {True: _Counts(), False: _Counts()}
        for is_warm_up, some in counts.items():
            # A line has its limit.
            while len(some.lags) > LAGS:
                part = _Counts()
                part.started, part.lags = LAGS, some.lags[:LAGS]
                some.started -= LAGS
                some.lags = some.lags[LAGS:]
                self._run.results.put(self._run.marked(part.record(), is_warm_up))
            if record := some.record():
                self._run.results.put(self._run.marked(record, is_warm_up))
