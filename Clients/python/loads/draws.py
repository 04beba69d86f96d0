"""Random numbers that are the same in all languages of Loads, and what is drawn from them."""

from __future__ import annotations

import math

_MASK = (1 << 64) - 1


class SplitMix:
    """SplitMix64 (Steele et al. 2014): reproducible, one number of 64 bits as its state."""

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def next(self) -> int:
        self._state = (self._state + 0x9E37_79B9_7F4A_7C15) & _MASK
        value = self._state
        value = ((value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9) & _MASK
        value = ((value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB) & _MASK
        return value ^ (value >> 31)

    def unit(self) -> float:
        """From 0 up to, not including, 1."""
        return (self.next() >> 11) * 2.0**-53

    def exponential(self) -> float:
        """Its mean is 1."""
        return -math.log(1 - self.unit())

    def normal(self) -> float:
        """Around 0, with a standard deviation of 1."""
        return math.sqrt(2 * self.exponential()) * math.cos(2 * math.pi * self.unit())


class ThinkTime:
    """How long a user waits between two iterations."""

    def __init__(self, mean_s: float, distribution: dict | None = None) -> None:
        """`distribution`: the plan's `think`, a map of `kind` and `ns`; none is the mean each time."""
        self._mean = mean_s
        self._kind = (distribution or {}).get("kind", "constant")
        self._times = [float(time) for time in (distribution or {}).get("ns") or []]
        if (needed := {"constant": 0, "uniform": 2, "normal": 2, "exponential": 1}.get(self._kind)) is None:
            raise ValueError(f"no think time is of the kind {self._kind!r}")
        if len(self._times) < needed:
            raise ValueError(f"a think time of the kind {self._kind!r} needs {needed} times")

    def draw(self, random: SplitMix) -> float:
        """Seconds, at least 0."""
        match self._kind:
            case "constant":
                return self._mean
            case "uniform":
                low, high = self._times[:2]
                value = low + (high - low) * random.unit()
            case "normal":
                value = self._times[0] + self._times[1] * random.normal()
            case _:
                value = self._times[0] * random.exponential()
        return max(0.0, value) / 1e9
