"""Results that the master has not acknowledged: what may be sent, what is sent again, what may be forgotten."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass
class Entry:
    run: str
    sequence: int
    data: bytes


class Spool:
    """A pure structure: times are seconds of any clock that does not go back.

    Entries leave in the order in which they were added. At most `window` entries and `window_bytes` are in flight. What
    is in flight is sent again, from the first, after `rewind()` and when nothing was acknowledged for `patience`, which
    doubles each time up to twelve times, until something is.
    """

    def __init__(self, limit: int = 64 << 20, window: int = 256, window_bytes: int = 16 << 20,
                 patience: float = 5.0) -> None:
        self._limit = limit
        self._window = window
        self._window_bytes = window_bytes
        self._patience = self._least_patience = patience
        self._waiting: deque[Entry] = deque()
        self._flight: deque[Entry] = deque()
        self._flight_bytes = 0
        self._progress = 0.0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._flight)

    @property
    def full(self) -> bool:
        """Whether nothing more should be added: runners are not read then, and merge what they measure."""
        return self.bytes >= self._limit

    def add(self, run: str, sequence: int, data: bytes) -> None:
        self._waiting.append(Entry(run, sequence, data))
        self.bytes += len(data)

    def next(self, now: float) -> Entry | None:
        """The next entry to send, or None while there is none or the window is full. It counts as sent."""
        if not self._waiting or len(self._flight) >= self._window:
            return None
        entry = self._waiting[0]
        if self._flight and self._flight_bytes + len(entry.data) > self._window_bytes:
            return None
        if not self._flight:
            self._progress = now
        self._waiting.popleft()
        self._flight.append(entry)
        self._flight_bytes += len(entry.data)
        return entry

    def unsend(self, entry: Entry) -> None:
        """An entry that `next` gave was not taken after all; unless it was acknowledged meanwhile, it comes next."""
        if entry in self._flight:
            self._flight.remove(entry)
            self._flight_bytes -= len(entry.data)
            self._waiting.appendleft(entry)

    def acknowledge(self, run: str, sequence: int, now: float) -> None:
        """Forgets a run's entries up to a sequence number. An old number changes nothing."""
        before = len(self)
        for name in ("_flight", "_waiting"):
            entries = getattr(self, name)
            # Almost always the first ones: other runs' entries stay where they are.
            kept = [entry for entry in entries if entry.run != run or entry.sequence > sequence]
            if len(kept) != len(entries):
                setattr(self, name, deque(kept))
        if len(self) != before:
            self._progress = now
            self._patience = self._least_patience
            self._flight_bytes = sum(len(entry.data) for entry in self._flight)
            self.bytes = self._flight_bytes + sum(len(entry.data) for entry in self._waiting)

    def rewind(self) -> None:
        """Everything in flight is to be sent again."""
        while self._flight:
            self._waiting.appendleft(self._flight.pop())
        self._flight_bytes = 0

    def overdue(self, now: float) -> bool:
        """Rewinds when nothing was acknowledged for too long. Returns whether it did."""
        if not self._flight or now - self._progress < self._patience:
            return False
        self.rewind()
        self._progress = now
        self._patience = min(self._patience * 2, self._least_patience * 12)
        return True
