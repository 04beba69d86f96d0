"""Histograms of nanoseconds as the wire carries them (Docs/RunnerProtocol.md): three significant digits, exact extremes."""

from __future__ import annotations


def bucket(value: int) -> int:
    """The bucket of a value of 0 or more: itself below 2048, then 1024 buckets for each power of two."""
    shift = max(0, value.bit_length() - 11)
    return (shift << 10) + (value >> shift)


class Histogram:
    __slots__ = ("count", "min", "max", "sum", "buckets")

    def __init__(self) -> None:
        self.count = 0
        self.min = 0
        self.max = 0
        self.sum = 0
        self.buckets: dict[int, int] = {}

    def record(self, value: int) -> None:
        """Counts a value in nanoseconds; a negative one counts as 0."""
        value = max(0, value)
        self.min = value if self.count == 0 else min(self.min, value)
        self.max = max(self.max, value)
        self.count += 1
        self.sum += value
        index = bucket(value)
        self.buckets[index] = self.buckets.get(index, 0) + 1

    def add(self, other: "Histogram") -> None:
        """Adds another histogram's values."""
        if other.count == 0:
            return
        self.min = other.min if self.count == 0 else min(self.min, other.min)
        self.max = max(self.max, other.max)
        self.count += other.count
        self.sum += other.sum
        for index, count in other.buckets.items():
            self.buckets[index] = self.buckets.get(index, 0) + count

    def packed(self) -> list | None:
        """`[min, max, sum, buckets]`, or None when empty."""
        if self.count == 0:
            return None
        out = bytearray()
        last = 0
        for index in sorted(self.buckets):
            _leb128(index - last, out)
            _leb128(self.buckets[index], out)
            last = index
        return [self.min, self.max, self.sum, bytes(out)]

    @classmethod
    def unpacked(cls, value: list | None) -> "Histogram":
        """Reads what `packed` writes.

        Raises ValueError when it is no histogram.
        """
        histogram = cls()
        if value is None:
            return histogram
        if not isinstance(value, list) or len(value) != 4:
            raise ValueError("a histogram is [min, max, sum, buckets]")
        histogram.min, histogram.max, histogram.sum, data = value
        numbers = list(_numbers(data))
        if len(numbers) % 2:
            raise ValueError("a histogram's buckets are pairs")
        index = 0
        for step, count in zip(numbers[::2], numbers[1::2]):
            index += step
            histogram.buckets[index] = count
            histogram.count += count
        return histogram


def _leb128(value: int, out: bytearray) -> None:
    """Seven bits a byte, the lowest first; the high bit says that more follow."""
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


def _numbers(data: bytes):
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0
    if shift:
        raise ValueError("a histogram's buckets are cut off")
