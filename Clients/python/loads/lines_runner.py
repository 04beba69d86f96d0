"""The runner that speaks lines of JSON: it is given its plan at the start, and what it writes is added up here."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import struct
import time

from .child import Child, Writer
from .lines_plan import ONCE, VALUE_BYTES, adjust_line, essentials, lack, length, needs, once_line, plan_line, users
from .measure import BadResult, Measure, until_next
from .runners import PATIENCE, Events, Runner
from .wire import message, text

#: The longest line.
LINE_BYTES = 64 << 10
#: Notes of a program that are passed on.
NOTES = 1000
#: How long a program may take to say that it knows what its plan needs, in seconds.
DECLARATION = 15.0


class LinesRunner(Runner):
    def __init__(self, arguments: list[str], environment: dict, directory: str | None, order: dict, run: str,
                 agent: str, interval: float, counters: str | None, events: Events) -> None:
        """`counters`: a file for what has been read and is in no batch yet, should this agent be killed."""
        super().__init__(order, events)
        self._counters = (os.open(counters, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600) if counters
                          else None)
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
        self._pending: list[tuple[int, int, int, dict | None]] = []
        self._program = " ".join(shlex.quote(word) for word in arguments)
        #: `set_up` or `tear_down`, for a process that plays no users.
        self._once = order["phase"] if order.get("phase") in ONCE else None
        #: What the set-up hands over, as JSON.
        self._value = b""
        self._needs = needs(self._plan) if self._once is None else []
        #: What the program has said that it knows; None as long as it has said nothing.
        self._knows: list[str] | None = None
        self._declaration: asyncio.TimerHandle | None = None
        #: Why it is not given its plan.
        self._refusal: str | None = None
        self._interrupted = False
        self._paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._measure = Measure(self._plan.get("max_names") or 1000, bool(self._plan.get("raw_hits")))
        commands, self._results = os.pipe(), os.pipe()
        try:
            self._child = Child(
                arguments, {**environment, **essentials(self._plan, **self._names)}, directory, [self._results[1]],
                stdin=commands[0], on_exit=self._exited)
        except BaseException:
            os.close(commands[1])
            os.close(self._results[0])
            if self._counters is not None:
                os.close(self._counters)
            raise
        finally:
            os.close(commands[0])
            os.close(self._results[1])
        self._commands = Writer(commands[1])
        self._child.read(self._results[0], self._take)
        if self._needs:
            self._declaration = self._loop.call_later(DECLARATION, self._judge)
        else:
            self._loop.call_soon(events.ready)

    def _judge(self) -> None:
        """Whether the program knows what its plan needs: it is ready, or refused."""
        self._declaration.cancel()
        self._declaration = None
        missing = [name for name in self._needs if name not in (self._knows or [])]
        if not missing:
            self._events.ready()
            return
        self._refusal = lack(missing, self._program, self._knows)
        self.kill("it does not know its plan")

    # Told by the master.

    def start(self, at: int) -> None:
        self._loop.call_later(max(0, at - time.monotonic_ns()) / 1e9, self._begin, at)

    def _begin(self, at: int) -> None:
        if self._interrupted:
            return
        self._start = at / 1e9
        late = max(0.0, time.monotonic() - self._start)
        if self._once is not None:
            self._tell(once_line(self._once, self._plan, **self._names, value=self._order.get("value")))
            self._events.report(message("started", late_s=late))
            self._expect_end(length(self._plan), "its time was over and it did not exit")
            return
        self._tell(plan_line(
            self._plan, **self._names, at=self._now(), start_ns=at, raw=self._measure.raw_hits,
            value=self._order.get("value")))
        for adjustment in self._pending:
            self.adjust(*adjustment)
        # Of the other models only the program can tell.
        self._measure.users = users(self._plan) if "cycles" in self._plan else 0
        self._events.report(message("started", late_s=late))
        if (seconds := length(self._plan)) is not None:
            self._expect_end(seconds + self.grace + PATIENCE, "its time was over and it did not end")
        self._tick()

    def adjust(self, users: int, first: int, at: int, change: dict | None) -> None:
        if self._start is None:
            self._pending.append((users, first, at, change))
        else:
            self._tell(adjust_line(users, first, max(0.0, at / 1e9 - self._start), change))

    def raw_hits(self, wanted: bool) -> None:
        self._measure.raw_hits = wanted

    def stop(self) -> None:
        self._end_soon({"stop": {"grace_s": self.grace}}, self.grace + PATIENCE)

    def abort(self) -> None:
        self._end_soon({"abort": {}}, PATIENCE)

    def _end_soon(self, command: dict, patience: float) -> None:
        self._interrupted = self._measure.is_stopped = True
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
        if self._counters is not None:
            iterations, hits = self._measure.totals
            os.pwrite(self._counters, struct.pack("<3Q", iterations, iterations, hits), 0)

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
        if isinstance(record.get("knows"), list):
            self._knows = [str(name) for name in record["knows"]]
            if self._declaration is not None:
                self._judge()
            return
        if self._once == "set_up" and list(record) == ["value"]:
            self._value = json.dumps(record["value"], separators=(",", ":")).encode()
            return
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
        self._timer = self._loop.call_later(until_next(self._now(), self._interval), self._tick)

    def _cut(self, is_last: bool = False) -> None:
        now = self._now()
        # A timer is a little late, and a batch of that little would be one more in each second.
        at = now if is_last or now % 1 > 0.05 else float(int(now))
        for batch in self._measure.batches(at, *self.usage(), is_last=is_last):
            self._events.report(batch)

    def _exited(self, status: int) -> None:
        for timer in (self._overdue, self._timer, self._declaration):
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
        # What is done once is no load: nothing is measured.
        if self._start is not None and self._once is None:
            self._measure.users = 0
            self._cut(is_last=True)
        if self._counters is not None:
            os.close(self._counters)
        if self._declaration is not None and status == 0 and fault is None:
            self._refusal = lack(self._needs, self._program, self._knows)
        if self._refusal is not None and not self._interrupted:
            self._events.refused(64, self._refusal)
        elif len(self._value) > VALUE_BYTES:
            self._events.ended({"state": "refused", "code": 69, "message": f"its value has {len(self._value)} bytes: at "
                                f"most {VALUE_BYTES} can be handed over"})
        elif status == 0 and fault is None and (self._start is not None or self._interrupted):
            if self._once is not None and self._start is not None:
                self._events.report(message("value", value=self._value))
            self._events.ended(
                {"state": "finished", "interrupted": self._interrupted, "seconds": self._measure.last_end})
        else:
            self._crashed(status, "it exited before its plan was given to it" if status == 0 else None)
