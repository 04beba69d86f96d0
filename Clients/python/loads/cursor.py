"""The arrivals of one stripe, one after the other. Pure: times are nanoseconds since the start of the run."""

from __future__ import annotations

import math

from .draws import SplitMix
from .schedule import Schedule, Stripe


class ArrivalCursor:
    """`due` is when the next arrival comes, None when there is none; `advance` goes on to the one after it."""

    def __init__(self, arrivals: dict) -> None:
        """`arrivals`: the plan's, as Docs/RunnerProtocol.md has them."""
        self._schedule = Schedule(arrivals["stages"])
        self._stripe = Stripe(arrivals.get("stripe"))
        #: Evenly spaced: the number from which on arrivals are looked for.
        self._next = 0
        # The first number of the seed's generator seeds the draws, as Swift's first event loop does it.
        self._random = SplitMix(SplitMix(int(arrivals.get("seed") or 0)).next())
        #: Poisson: where the next one falls, in arrivals of the whole plan; None for evenly spaced ones.
        self._position: float | None = 0.0 if arrivals.get("poisson") else None
        self._change: tuple[dict, int] | None = None
        #: After a change: the stripe before it, which numbers its owner had taken, the first number after the change.
        self._past: tuple[Stripe, int, int] | None = None
        #: Nothing comes before a change that took effect.
        self._earliest = 0
        self.due: int | None = None
        if self._position is not None:
            self._step()
        self._find()

    def advance(self) -> None:
        if self._position is not None:
            self._step()
        else:
            self._next += 1
        self._find()

    def change(self, arrivals: dict, time: int) -> None:
        """Goes by other arrivals from a point in time on.

        Numbers that were due before that time stay taken, and those after it come at their new time, once: also those that
        are owned from then on only.
        """
        self._change = (arrivals, time)
        self._find()

    def _step(self) -> None:
        share = self._stripe.fraction
        self._position = self._position + self._random.exponential() / share if share > 0 else math.inf

    def _find(self) -> None:
        while True:
            due = self._find_number() if self._position is None else self._schedule.time_reaching(self._position)
            self.due = None if due is None else max(due, self._earliest)
            if self._change is None or (self.due is not None and self.due < self._change[1]):
                return
            self._take_change()

    def _take_change(self) -> None:
        arrivals, time = self._change
        self._change = None
        self._earliest = time
        schedule, before = Schedule(arrivals["stages"]), self._stripe
        self._schedule, self._stripe = schedule, Stripe(arrivals.get("stripe"))
        if self._position is not None:
            # What is to come of a Poisson process does not depend on what has been.
            self._position = schedule.arrivals_before(time)
            self._step()
        else:
            first = schedule.count_before(time)
            self._past = (before, self._next, first)
            self._next = min(self._next, first)

    def _find_number(self) -> int | None:
        while self._past is not None and self._next < self._schedule.total:
            stripe, taken, first = self._past
            number = self._next
            if number >= max(taken, first):
                self._past = None
                break
            was_mine = stripe.owns(number)
            is_mine = (was_mine and number >= taken if number < first
                       else self._stripe.owns(number) and not (was_mine and number < taken))
            if is_mine:
                return self._schedule.time(number)
            self._next += 1
        found = self._stripe.next(self._next, self._schedule.total)
        self._next = self._schedule.total if found is None else found
        return None if found is None else self._schedule.time(found)
