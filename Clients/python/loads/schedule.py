"""When what is due (Docs/RunnerProtocol.md, Arrivals and Stripes): pure, in nanoseconds since the start of the run.

The same as `Schedule` and `Stripe` of LoadsCore, digit for digit: the agents of a run share its arrivals by these numbers.
"""

from __future__ import annotations

import math

#: An arrival in units: twice 10^6 (millionths) * 3600 * 10^9 (ns an hour); twice, so that a ramp's triangle is whole.
UNIT = 7_200_000_000_000_000_000
CIRCUMFERENCE = 1 << 32


class Stripe:
    """Which of the numbers 0, 1, 2 ... belong to this program."""

    def __init__(self, pairs: list[int] | None = None) -> None:
        """`pairs`: where each range begins and where it ends; none is every number."""
        pairs = [0, CIRCUMFERENCE] if pairs is None else pairs
        self.ranges = list(zip(pairs[::2], pairs[1::2]))

    def owns(self, number: int) -> bool:
        place = number * 2_654_435_769 % CIRCUMFERENCE
        return any(low <= place < high for low, high in self.ranges)

    def next(self, number: int, limit: int) -> int | None:
        """The first one from `number` on that is owned; None if there is none below `limit`."""
        if not self.ranges:
            return None
        while number < limit:
            if self.owns(number):
                return number
            number += 1
        return None

    @property
    def fraction(self) -> float:
        """The owned part of all, from 0 to 1."""
        return sum(high - low for low, high in self.ranges) / CIRCUMFERENCE

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stripe) and self.ranges == other.ranges


class Schedule:
    """t(n) of stages of a rate that begins at 0. Sums are whole numbers: nothing is rounded from one stage to the next."""

    def __init__(self, stages: list[dict]) -> None:
        """`stages`: of `duration_ns` and `rate_uph`."""
        #: (start, duration, rate at its start, at its end, units before it)
        self._segments: list[tuple[int, int, int, int, int]] = []
        rate = time = content = 0
        for stage in stages:
            duration, target = int(stage["duration_ns"]), int(stage["rate_uph"])
            if duration > 0:
                self._segments.append((time, duration, rate, target, content))
                content += (rate + target) * duration
                time += duration
            rate = target
        self._content = content
        #: From the start to the end of the last stage.
        self.length = time
        #: How many arrivals there are.
        self.total = -(-content // UNIT)

    def time(self, number: int) -> int | None:
        """When arrival `number`, from 0, is due; None if there are no more than that."""
        return self._reaching(number * UNIT)

    def time_reaching(self, arrivals: float) -> int | None:
        """When so many, with fractions, are due: where Poisson arrivals fall."""
        if not 0 <= arrivals < 9e15:
            return None
        whole = math.floor(arrivals)
        return self._reaching(whole * UNIT + int((arrivals - whole) * float(UNIT)))

    def _reaching(self, position: int) -> int | None:
        if not 0 <= position < self._content:
            return None
        # The last segment that begins at or before the position; those without content are never it.
        low, high = 0, len(self._segments)
        while high - low > 1:
            middle = (low + high) // 2
            if self._segments[middle][4] <= position:
                low = middle
            else:
                high = middle
        start, duration, rate, target, before = self._segments[low]
        return start + _within(duration, rate, target, position - before)

    def count_before(self, time: int) -> int:
        """How many are due before a point in time."""
        low, high = 0, self.total
        while low < high:
            middle = (low + high) // 2
            due = self.time(middle)
            if due is not None and due < time:
                low = middle + 1
            else:
                high = middle
        return low

    def arrivals_before(self, time: int) -> float:
        """Arrivals' worth of time until a point in time, with fractions."""
        for start, duration, rate, target, before in reversed(self._segments):
            if start < time:
                part = float(min(time - start, duration))
                slope = (float(target) - float(rate)) / float(duration)
                return (float(before) + (2 * float(rate) + slope * part) * part) / float(UNIT)
        return 0.0


def _within(duration: int, rate: int, target: int, units: int) -> int:
    """Nanoseconds from a segment's start until so many units of it are due, rounded up."""
    if units == 0:
        return 0
    if rate == target:
        return min(duration, -(-units // (2 * rate)))
    low, high = float(min(rate, target)), float(max(rate, target))
    # Counted from the end with the lower rate, where the root has nothing to cancel.
    rest = float(units if rate < target else (rate + target) * duration - units)
    time = rest / (low + math.sqrt(low * low + (high - low) * rest / float(duration)))
    rounded = math.ceil(time) if rate < target else math.floor(time)
    whole = max(0, min(duration, rounded))
    return whole if rate < target else duration - whole
