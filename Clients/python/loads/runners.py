"""What the two kinds of runner that an agent starts have in common (Docs/RunnerProtocol.md): a process, its end, patience.

A runner tells its `Events`: `ready()`, then `report(bytes)` for each message of the master's, and at last `ended(fields)`;
or, instead of `ready()`, `refused(code, reason)`.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from .child import Child, describe
from .wire import text

#: Beyond the grace: five seconds for iterations that ignore their cancellation, ten for the rest.
PATIENCE = 15.0


class Events(Protocol):
    """What a runner tells."""

    def ready(self) -> None: ...
    def report(self, data: bytes) -> None: ...
    def refused(self, code: int, reason: str) -> None: ...
    def ended(self, fields: dict) -> None: ...


class Runner:
    """What both dialects share: a process, and the patience with it."""

    def __init__(self, order: dict, events: Events) -> None:
        self._order = order
        self._plan = order["plan"]
        self._events = events
        self._loop = asyncio.get_running_loop()
        self._child: Child | None = None
        self._overdue: asyncio.TimerHandle | None = None
        #: Whether it may have to wait because what it writes is not read.
        self._is_unread = False

    def _expect_end(self, seconds: float, reason: str) -> None:
        """Kills the process when it has not ended by then. A shorter patience replaces a longer one."""
        when = self._loop.time() + seconds
        if self._overdue is not None:
            if self._overdue.when() <= when:
                return
            self._overdue.cancel()
        self._overdue = self._loop.call_at(when, self._out_of_patience, reason)

    def _out_of_patience(self, reason: str) -> None:
        if self._is_unread:
            # That it does not end is not its fault.
            self._overdue = self._loop.call_later(1.0, self._out_of_patience, reason)
        else:
            self.kill(f"{reason}, and was killed")

    def kill(self, reason: str) -> None:
        if self._child is not None:
            self._child.kill(reason)

    def usage(self) -> tuple[float, int]:
        return self._child.usage() if self._child else (0.0, 0)

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    @property
    def grace(self) -> float:
        return self._plan.get("grace_ns", 30_000_000_000) / 1e9

    def _crashed(self, status: int, reason: str | None, started: int = 0, ended: int = 0, hits: int = 0) -> None:
        self._events.ended({
            "state": "crashed", "reason": text(self._child.fault or reason or describe(status)),
            "output": text(self._child.tail), "unreported_started": max(0, started),
            "unreported_ended": max(0, ended), "unreported_hits": max(0, hits),
        })
