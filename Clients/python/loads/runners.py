"""The two kinds of runner that an agent starts (Docs/RunnerProtocol.md), behind one face.

A runner tells its `Events`: `ready()`, then `report(bytes)` for each message of the master's, and at last `ended(fields)`.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import os
import subprocess
import time
from typing import Protocol

from .child import Child, Writer, describe
from .measure import BadResult, Measure
from .merge import Merger
from .wire import Frames, WireError, decode, frame, message, text

#: Beyond the grace: five seconds for iterations that ignore their cancellation, ten for the rest.
PATIENCE = 15.0
#: How long a runner may take to exit once it has reported its end.
EXIT_PATIENCE = 60.0
COUNTER_BYTES = 65_536
#: The longest line of the dialect `lines`.
LINE_BYTES = 64 << 10
#: Notes of a program that are passed on.
NOTES = 1000


class Events(Protocol):
    """What a runner tells. `late` is for a start that came too late, in seconds."""

    def ready(self) -> None: ...
    def report(self, data: bytes) -> None: ...
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

    def _expect_end(self, seconds: float, reason: str) -> None:
        """Kills the process when it has not ended by then. A shorter patience replaces a longer one."""
        when = self._loop.time() + seconds
        if self._overdue is not None:
            if self._overdue.when() <= when:
                return
            self._overdue.cancel()
        self._overdue = self._loop.call_at(when, lambda: self.kill(f"{reason}, and was killed"))

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


class MessagesRunner(Runner):
    """Speaks MessagePack on inherited pipes; its messages go to the master as they are."""

    def __init__(self, arguments: list[str], environment: dict, directory: str | None, order: dict,
                 interval: float, events: Events) -> None:
        super().__init__(order, events)
        self._frames = Frames()
        self._end: dict | None = None
        self._counted = [0, 0, 0]
        self._interval = interval
        self._merger = Merger()
        commands, self._reports = os.pipe(), os.pipe()
        memory = os.memfd_create("loads-counters")
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

    def adjust(self, users: int, first: int, at: int) -> None:
        self._commands.write(frame(message("adjust", users=users, first_new_user=first, at_ns=at)))

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
        elif kind in ("started", "batch", "note"):
            if kind == "batch":
                iterations = fields["iterations"]
                self._counted[0] += iterations["started"]
                self._counted[1] += sum(iterations[key] for key in ("ok", "failed", "skipped", "interrupted"))
                self._counted[2] += sum(entry["count"] for entry in fields["names"].values())
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


class LinesRunner(Runner):
    """Speaks lines of JSON: it is given its plan at the start, and what it writes is added up here."""

    def __init__(self, arguments: list[str], environment: dict, directory: str | None, order: dict, run: str,
                 agent: str, interval: float, events: Events) -> None:
        super().__init__(order, events)
        self._names = {"run": run, "agent": agent}
        self._interval = interval
        self._buffer = bytearray()
        self._line = 0
        self._unpacker = None
        self._broken = False
        #: What was passed over because it is no result.
        self._passed_over = 0
        self._notes = 0
        self._start: float | None = None
        #: Adjustments that came before the start: only it tells their time.
        self._pending: list[tuple[int, int, int]] = []
        self._interrupted = False
        self._paused = False
        self._timer: asyncio.TimerHandle | None = None
        cycles = self._plan["cycles"]
        self._measure = Measure(self._plan.get("max_names") or 1000, bool(self._plan.get("raw_hits")))
        self._users = cycles[0]["users"]
        commands, self._results = os.pipe(), os.pipe()
        try:
            self._child = Child(
                arguments, {**environment, **self._essentials()}, directory, [self._results[1]],
                stdin=commands[0], on_exit=self._exited)
        except BaseException:
            os.close(commands[1])
            os.close(self._results[0])
            raise
        finally:
            os.close(commands[0])
            os.close(self._results[1])
        self._commands = Writer(commands[1])
        self._child.read(self._results[0], self._take)
        self._loop.call_soon(events.ready)

    def _essentials(self) -> dict[str, str]:
        """What the plan's line says, for programs that do not want to read it."""
        cycle = self._plan["cycles"][0]
        variables = {
            "LOADS_RUNNER": "1", "LOADS_RESULTS_FD": "3", "LOADS_RUN_ID": self._names["run"],
            "LOADS_AGENT_ID": self._names["agent"], "LOADS_TOTAL_USERS": str(cycle["users"]),
            "LOADS_FIRST_USER": str(self._plan.get("first_user") or 0),
        }
        for key in ("ramp_up", "think", "grace"):
            variables[f"LOADS_{key.upper()}"] = f"{self._plan.get(f'{key}_ns', 0) / 1e9:g}"
        if cycle.get("iterations") is not None:
            variables["LOADS_TOTAL_HITS"] = str(cycle["iterations"])
        else:
            variables["LOADS_DURATION"] = f"{cycle['duration_ns'] / 1e9:g}"
        if self._plan.get("server_url"):
            variables["LOADS_SERVER_URL"] = self._plan["server_url"]
        return variables

    def _plan_line(self) -> dict:
        plan = self._plan
        cycles = [_cycle(cycle) for cycle in plan["cycles"]]
        line = {**cycles[0], "first_user": plan.get("first_user") or 0}
        for key in ("ramp_up", "think", "pause", "grace", "timeout"):
            if plan.get(f"{key}_ns") is not None:
                line[f"{key}_s"] = plan[f"{key}_ns"] / 1e9
        for key in ("server_url", "new_connections"):
            if plan.get(key) is not None:
                line[key] = plan[key]
        line["raw"] = self._measure.raw_hits
        line["cycles"] = cycles
        return {"plan": line, **self._names, "t": self._now()}

    # Told by the master.

    def start(self, at: int) -> None:
        self._loop.call_later(max(0, at - time.monotonic_ns()) / 1e9, self._begin, at)

    def _begin(self, at: int) -> None:
        if self._interrupted:
            return
        self._start = at / 1e9
        late = max(0.0, time.monotonic() - self._start)
        self._tell(self._plan_line())
        for users, first, when in self._pending:
            self.adjust(users, first, when)
        self._measure.users = self._users
        self._events.report(message("started", late_s=late))
        cycles = self._plan["cycles"]
        if all(cycle.get("iterations") is None for cycle in cycles):
            pauses = (len(cycles) - 1) * (self._plan.get("pause_ns") or 0)
            seconds = (sum(cycle["duration_ns"] for cycle in cycles) + pauses) / 1e9
            self._expect_end(seconds + self.grace + PATIENCE, "its durations were over and it did not end")
        self._tick()

    def adjust(self, users: int, first: int, at: int) -> None:
        if self._start is None:
            self._pending.append((users, first, at))
            return
        at_s = max(0.0, at / 1e9 - self._start)
        self._tell({"adjust": {"users": users, "first_new_user": first, "at_s": at_s}})

    def raw_hits(self, wanted: bool) -> None:
        self._measure.raw_hits = wanted

    def stop(self) -> None:
        self._end_soon({"stop": {"grace_s": self.grace}}, self.grace + PATIENCE)

    def abort(self) -> None:
        self._end_soon({"abort": {}}, PATIENCE)

    def _end_soon(self, command: dict, patience: float) -> None:
        self._interrupted = True
        if self._start is None:
            # It has no plan yet: the end of its input tells it that there will be none.
            self._commands.close()
        else:
            self._tell(command)
        self._expect_end(patience, "it was told to end and did not")

    def pause(self, paused: bool) -> None:
        """While the spool is full no batch is cut: what comes is added to the next one."""
        self._paused = paused

    def set_interval(self, seconds: float) -> None:
        self._interval = seconds

    def _tell(self, command: dict) -> None:
        self._commands.write(json.dumps(command).encode() + b"\n")

    # Told by the program.

    def _now(self) -> float:
        return 0.0 if self._start is None else max(0.0, time.monotonic() - self._start)

    def _take(self, data: bytes) -> None:
        if self._broken:
            return
        self._buffer += data
        # A map of MessagePack begins with a byte that no line of JSON begins with.
        if self._unpacker is not None or (self._line == 0 and self._buffer[0] >= 0x80):
            self._take_maps()
        else:
            self._take_lines()

    def _take_lines(self) -> None:
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = bytearray(rest)
        if len(rest) > LINE_BYTES:
            self._pass_over(f"a line of more than {LINE_BYTES} bytes")
            self._buffer.clear()
        for line in lines:
            self._line += 1
            if not line.strip():
                continue
            try:
                self._record(json.loads(line))
            except (ValueError, RecursionError) as error:
                reason = str(error) if isinstance(error, BadResult) else "not JSON"
                self._pass_over(f"{reason}: {line[:80].decode('utf-8', 'replace')}")

    def _take_maps(self) -> None:
        import msgpack
        if self._unpacker is None:
            self._unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=1 << 24)
        self._unpacker.feed(bytes(self._buffer))
        self._buffer.clear()
        while True:
            try:
                record = self._unpacker.unpack()
            except msgpack.OutOfData:
                return
            except (ValueError, msgpack.UnpackException) as error:
                # There is no next line to go on from.
                self._broken = True
                self._note(f"result {self._line + 1} of the program is broken MessagePack ({error}): "
                           "nothing more is read from it")
                return
            self._line += 1
            try:
                self._record(record)
            except BadResult as error:
                self._pass_over(str(error))

    def _record(self, record: object) -> None:
        if not isinstance(record, dict):
            raise BadResult("not an object")
        note = self._measure.take(record, self._now())
        if note is not None:
            self._note(note)

    def _note(self, note: str) -> None:
        self._notes += 1
        if self._notes <= NOTES:
            self._events.report(message("note", text=text(note)))

    def _pass_over(self, reason: str) -> None:
        self._passed_over += 1
        if self._passed_over == 1:
            self._note(f"result {self._line} of the program is none, and was passed over ({reason})")

    def _tick(self) -> None:
        if not self._paused:
            self._cut()
        self._timer = self._loop.call_later(self._interval, self._tick)

    def _cut(self) -> None:
        self._events.report(self._measure.batch(self._now(), *self.usage()))

    def _exited(self, status: int) -> None:
        for timer in (self._overdue, self._timer):
            if timer:
                timer.cancel()
        self._commands.abandon()
        fault = self._child.fault
        if self._buffer.strip():
            # A last line without an end may still be whole.
            self._take(b"\n")
        if self._passed_over > 1:
            self._notes = min(self._notes, NOTES - 1)
            self._note(f"{self._passed_over} results of the program were none, and were passed over")
        if self._start is not None:
            self._measure.users = 0
            self._cut()
        if status == 0 and fault is None and (self._start is not None or self._interrupted):
            self._events.ended(
                {"state": "finished", "interrupted": self._interrupted, "seconds": self._measure.last_end})
        else:
            self._crashed(status, "it exited before its plan was given to it" if status == 0 else None)


def _cycle(cycle: dict) -> dict:
    if cycle.get("iterations") is not None:
        return {"users": cycle["users"], "iterations": cycle["iterations"]}
    return {"users": cycle["users"], "duration_s": cycle["duration_ns"] / 1e9}
