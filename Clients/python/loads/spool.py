"""Results that the master has not acknowledged: what may be sent, what is sent again, what may be forgotten."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .store import Place, Store


@dataclass(eq=False, slots=True)
class Entry:
    run: str
    sequence: int
    size: int
    #: None when it lies on disk only.
    data: bytes | None
    place: "Place | None" = None


class _Queue:
    """What one run has to deliver: entries in flight, and behind them those that wait."""

    def __init__(self, patience: float) -> None:
        self.flight: deque[Entry] = deque()
        self.waiting: deque[Entry] = deque()
        self.progress = 0.0
        self.patience = patience

    def rewind(self) -> None:
        while self.flight:
            self.waiting.appendleft(self.flight.pop())


class Spool:
    """A structure without a clock or a socket: times are seconds of any clock that does not go back.

    The entries of a run leave in the order in which they were added; runs take turns. At most `window` entries and
    `window_bytes` are in flight. What is in flight is sent again, from the first, after `rewind()` and when nothing of
    its run was acknowledged for `patience`, which doubles each time up to twelve times, until something is.

    With a store every entry is on disk as well, and what is beyond `limit` bytes only there.
    """

    def __init__(self, limit: int = 64 << 20, window: int = 256, window_bytes: int = 16 << 20, patience: float = 5.0,
                 store: "Store | None" = None, disk_limit: int = 1 << 30) -> None:
        self._limit = limit
        self._disk_limit = disk_limit
        self._window = window
        self._window_bytes = window_bytes
        self._patience = patience
        self._store = store
        self._queues: dict[str, _Queue] = {}
        self._length = 0
        self._memory = 0
        self._flying = 0
        self._flying_bytes = 0
        self.bytes = 0

    def __len__(self) -> int:
        return self._length

    @property
    def full(self) -> bool:
        """Whether nothing more should be added: runners are not read then, and merge what they measure."""
        if self._store is not None and self._store.working:
            return self.bytes >= self._disk_limit
        return self._memory >= self._limit

    def add(self, run: str, sequence: int, data: bytes, counts: tuple[int, int, int] = (0, 0, 0)) -> None:
        """Takes the next result of a run.

        - `counts`: iterations started and ended, and hits, in all of the run's results so far.
        """
        place = self._store.append(run, data, sequence, counts) if self._store else None
        keep = place is None or self._memory + len(data) <= self._limit
        self._put(Entry(run, sequence, len(data), data if keep else None, place))

    def recover(self, run: str, sequence: int, place: "Place") -> None:
        """Takes a result that an earlier process has left on disk."""
        self._put(Entry(run, sequence, place.size, None, place))

    def _put(self, entry: Entry) -> None:
        self._queues.setdefault(entry.run, _Queue(self._patience)).waiting.append(entry)
        self._length += 1
        self.bytes += entry.size
        if entry.data is not None:
            self._memory += entry.size

    def waiting(self, run: str) -> bool:
        """Whether something of a run is not acknowledged."""
        return run in self._queues

    def next(self, now: float) -> Entry | None:
        """The next entry to send, or None while there is none or the window is full. It counts as sent."""
        if self._flying >= self._window:
            return None
        for run, queue in self._queues.items():
            if not queue.waiting:
                continue
            entry = queue.waiting[0]
            if self._flying and self._flying_bytes + entry.size > self._window_bytes:
                return None
            if not queue.flight:
                queue.progress = now
            queue.flight.append(queue.waiting.popleft())
            self._flying += 1
            self._flying_bytes += entry.size
            # The others' turn.
            self._queues[run] = self._queues.pop(run)
            return entry
        return None

    def read(self, entry: Entry) -> bytes | None:
        """An entry's bytes; None when they cannot be read back from the disk."""
        return entry.data if entry.data is not None else self._store.read(entry.place)

    def replace(self, entry: Entry, data: bytes) -> None:
        """Other bytes for an entry whose own cannot be read back."""
        self.bytes += len(data) - entry.size
        self._flying_bytes += len(data) - entry.size
        self._memory += len(data)
        entry.size, entry.data = len(data), data

    def unsend(self, entry: Entry) -> None:
        """An entry that `next` gave was not taken after all; unless it was acknowledged meanwhile, it comes next."""
        queue = self._queues.get(entry.run)
        if queue is not None and entry in queue.flight:
            queue.flight.remove(entry)
            queue.waiting.appendleft(entry)
            self._flying -= 1
            self._flying_bytes -= entry.size

    def acknowledge(self, run: str, sequence: int, now: float) -> None:
        """Forgets a run's entries up to a sequence number. An old number changes nothing."""
        queue = self._queues.get(run)
        if queue is None:
            return
        before = self._length
        while queue.flight and queue.flight[0].sequence <= sequence:
            entry = queue.flight.popleft()
            self._flying -= 1
            self._flying_bytes -= entry.size
            self._release(entry)
        while not queue.flight and queue.waiting and queue.waiting[0].sequence <= sequence:
            self._release(queue.waiting.popleft())
        if self._length == before:
            return
        queue.progress = now
        queue.patience = self._patience
        if not queue.flight and not queue.waiting:
            del self._queues[run]
        if self._store:
            self._store.acknowledged(run, sequence)

    def forget(self, run: str) -> None:
        """Drops all that is left of a run, on disk too."""
        queue = self._queues.pop(run, _Queue(0))
        for entry in queue.flight:
            self._flying -= 1
            self._flying_bytes -= entry.size
        for entry in [*queue.flight, *queue.waiting]:
            self._release(entry)
        if self._store:
            self._store.remove(run)

    def _release(self, entry: Entry) -> None:
        self._length -= 1
        self.bytes -= entry.size
        if entry.data is not None:
            self._memory -= entry.size

    def rewind(self) -> None:
        """Everything in flight is to be sent again."""
        for queue in self._queues.values():
            queue.rewind()
        self._flying = self._flying_bytes = 0

    def overdue(self, now: float) -> bool:
        """Takes back what was not acknowledged for too long. Returns whether there was any."""
        found = False
        for queue in self._queues.values():
            if not queue.flight or now - queue.progress < queue.patience:
                continue
            self._flying -= len(queue.flight)
            self._flying_bytes -= sum(entry.size for entry in queue.flight)
            queue.rewind()
            queue.progress = now
            queue.patience = min(queue.patience * 2, self._patience * 12)
            found = True
        return found
