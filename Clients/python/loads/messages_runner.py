"""The runner that speaks MessagePack on inherited pipes: it counts for itself."""

from __future__ import annotations

import mmap
import os
import subprocess
import time

from .child import Child, Writer, describe
from .merge import Merger, counts
from .runners import PATIENCE, Events, Runner
from .wire import Frames, WireError, decode, frame, message

#: How long a runner may take to exit once it has reported its end.
EXIT_PATIENCE = 60.0
COUNTER_BYTES = 65_536


class MessagesRunner(Runner):
    """Speaks MessagePack on inherited pipes; its messages go to the master as they are."""

    def __init__(self, arguments: list[str], environment: dict, directory: str | None, order: dict,
                 interval: float, counters: str | None, events: Events) -> None:
        """`counters`: a file for the live counters, which outlives the agent; none is a file without a name."""
        super().__init__(order, events)
        self._frames = Frames()
        self._end: dict | None = None
        self._counted = [0, 0, 0]
        self._interval = interval
        self._merger = Merger()
        commands, self._reports = os.pipe(), os.pipe()
        memory = (os.open(counters, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600) if counters
                  else os.memfd_create("loads-counters"))
        os.ftruncate(memory, COUNTER_BYTES)
        self._counters = mmap.mmap(memory, COUNTER_BYTES)
        keep = [commands[0], self._reports[1], memory]
        names = ["LOADS_COMMANDS_FD", "LOADS_REPORTS_FD", "LOADS_COUNTERS_FD"]
        variables = dict(zip(names, ("3", "4", "5")))
        try:
            self._child = Child(
                arguments, {**environment, **variables, "LOADS_RUNNER": "1"}, directory, keep,
                stdin=subprocess.DEVNULL, on_exit=self._exited)
        except BaseException:
            os.close(commands[1])
            os.close(self._reports[0])
            raise
        finally:
            for descriptor in keep:
                os.close(descriptor)
        self._commands = Writer(commands[1])
        self._child.read(self._reports[0], self._take)
        self._commands.write(frame(message("run", **{**order, "waits": True})))

    def start(self, at: int) -> None:
        self._commands.write(frame(message("start", at_ns=at)))

    def adjust(self, users: int, first: int, at: int, change: dict | None) -> None:
        more = {"change": change} if change else {}
        self._commands.write(frame(message("adjust", users=users, first_new_user=first, at_ns=at, **more)))

    def raw_hits(self, wanted: bool) -> None:
        self._commands.write(frame(message("raw_hits", wanted=wanted)))

    def stop(self) -> None:
        self._commands.write(frame(message("stop")))
        self._expect_end(self.grace + PATIENCE, "it was told to stop and did not end")

    def abort(self) -> None:
        self._commands.write(frame(message("abort")))
        self._expect_end(PATIENCE, "it was told to end at once and did not")

    def pause(self, paused: bool) -> None:
        """Leaves its reports unread: it merges them then."""
        self._is_unread = paused
        self._child.pause(self._reports[0], paused)

    def set_interval(self, seconds: float) -> None:
        """Batches that come more often than this are added up."""
        self._interval = seconds

    def _take(self, data: bytes) -> None:
        try:
            for report in self._frames.feed(data):
                self._one(report, decode(report))
        except (WireError, KeyError, TypeError, ValueError) as error:
            self.kill(f"it sent something that is no report ({error})")

    def _one(self, data: bytes, fields: dict) -> None:
        kind = fields["type"]
        if kind == "ready":
            self._events.ready()
        elif kind in ("started", "batch", "note", "value"):
            if kind == "batch":
                self._counted = [sum(pair) for pair in zip(self._counted, counts(fields))]
                for batch in self._merger.take(data, fields, time.monotonic(), self._interval):
                    self._events.report(batch)
            else:
                self._events.report(data)
        elif kind == "ended":
            self._end = {"state": "finished", "interrupted": fields["interrupted"], "seconds": fields["seconds"]}
            self._expect_end(EXIT_PATIENCE, "it reported its end and did not exit")
        elif kind == "refused":
            self._end = {"state": "refused", "code": fields["code"], "message": fields["message"]}
            self._expect_end(EXIT_PATIENCE, "it reported its end and did not exit")
        elif kind != "hello":
            raise WireError("malformed", f"no report is named {kind!r}")

    def _exited(self, status: int) -> None:
        if self._overdue:
            self._overdue.cancel()
        self._commands.abandon()
        for batch in self._merger.flush(time.monotonic()):
            self._events.report(batch)
        if self._end is not None:
            if self._end["state"] == "finished" and (status != 0 or self._child.fault):
                reason = self._child.fault or describe(status)
                self._events.report(message("note", text=f"after the run the runner ended badly: {reason}"))
            self._events.ended(self._end)
            return
        sums = [0, 0, 0]
        for slot in range(0, COUNTER_BYTES, 64):
            for place in range(3):
                sums[place] += int.from_bytes(self._counters[slot + place * 8:slot + place * 8 + 8], "little")
        holes = [sum_ - counted for sum_, counted in zip(sums, self._counted)]
        self._crashed(status, "it exited before it reported its end" if status == 0 else None, *holes)
