"""A run of which this agent still holds something."""

from __future__ import annotations

from .store import Counts, Recovered


class Held:
    """A run as the agent sees it: what the master wants of one that has no runner is passed over."""

    def __init__(self, run: str) -> None:
        self.run = run
        #: What was shipped with it.
        self.files: list[dict] = []
        #: The last sequence number drawn.
        self.sequence = 0
        #: Whether the end is in the spool.
        self.over = False
        #: Iterations started and ended, and hits, in all results so far.
        self.counts: Counts = (0, 0, 0)

    running = False
    pid: int | None = None

    def tick(self, now: float) -> None: ...
    def fetch_again(self) -> None: ...
    def say_status(self) -> None: ...
    def take_chunk(self, hash_: str, offset: int, data: bytes) -> None: ...
    def start(self, at: int) -> None: ...
    def adjust(self, users: int, first: int, at: int) -> None: ...
    def raw_hits(self, wanted: bool) -> None: ...
    def stop(self, abort: bool) -> None: ...
    def kill(self, reason: str) -> None: ...
    def pause(self, paused: bool) -> None: ...
    def set_interval(self, seconds: float) -> None: ...
    def discard(self) -> None: ...

    def acknowledged(self, sequence: int) -> dict | None:
        """The master has everything that was numbered. Returns the end of the run, if that has none yet."""
        return None


class Orphan(Held):
    """A run whose agent was killed, and its runner with it: what was on disk is delivered, and that it crashed."""

    def __init__(self, found: Recovered) -> None:
        super().__init__(found.run)
        self.sequence = found.first + len(found.places) - 1
        self.over = found.ended
        self.counts = found.counts
        self._unreported = found.unreported
        self._had_end = found.ended

    def acknowledged(self, sequence: int) -> dict | None:
        # With a number beyond that of its end the master has had something else under that, which was on its way when the
        # agent was killed, and which the disk has not kept: the end goes behind it.
        if self.over and (self._had_end or sequence <= self.sequence):
            return None
        # The master may have taken more than the disk has kept.
        self.sequence = max(self.sequence, sequence)
        self.over = True
        started, ended, hits = self._unreported
        return {
            "state": "crashed", "reason": "its agent was killed, and the runner with it", "output": "",
            "unreported_started": started, "unreported_ended": ended, "unreported_hits": hits,
        }
