"""An agent's side of the conversation with its master (Docs/WireProtocol.md)."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
import sys
import time

import zmq

from . import __version__, usage
from .farewell import farewell
from .files import Cache
from .held import Held, Orphan
from .keys import Keys
from .link import Link
from .spool import Entry, Spool
from .store import Store
from .wire import WireError, decode, message, text
from .work import BUILT_IN, Refusal, Work

#: Between two hellos while nobody welcomes us.
HELLO = 1.0
#: Without a welcome for so many seconds everything is connected anew: a socket whose key was refused does not try again.
RECONNECT = 10.0
#: After so many seconds without a word of a master that is told, and again whenever so many have passed since.
SILENCE = 5.0
TELL = 60.0
#: A new connection is measured with so many beats in quick succession, so many seconds apart.
FAST_BEATS = 8
FAST_BEAT_INTERVAL = 0.1
#: Runs that are over and must not begin again when a late copy of their order comes.
REMEMBERED = 1000


class Agent:
    """Serves one master until it is told to end. Confined to its event loop."""

    def __init__(self, master: str, name: str, identity: str, labels: dict[str, str], data: str, keys: Keys | None,
                 orphan_timeout: float = 120.0, keeps: bool = False, files_limit: int = 4 << 30) -> None:
        """`data`: where files and runs' directories go. `keeps`: results too, until the master has them.
        `files_limit`: bytes of shipped files that are kept for later runs.
        """
        self._master = master
        self._ready = False
        self._identity = identity
        self._name = name
        self._labels = labels
        self._data = data
        self.cache = Cache(os.path.join(data, "files"), files_limit)
        self._orphan_timeout = orphan_timeout
        self._link = Link(master, keys, self._connected, self._received, self._trouble)
        self._store = Store(os.path.join(data, "spool"), log) if keeps else None
        self._spool = Spool(store=self._store)
        self._usage = usage.Usage()
        self._works: dict[str, Held] = {}
        #: Drawn at each start, unless what was not acknowledged was recovered: what was in memory is gone.
        self._epoch = self._recover() or secrets.token_hex(8)
        self._finished: dict[str, None] = {}
        self._welcome: dict | None = None
        self._lease_until = 0.0
        self._connected_at = time.monotonic()
        self._last_sign = time.monotonic()
        self._tell_at = 0.0
        self._echo: dict | None = None
        self._said_trouble = ""
        self._more = asyncio.Event()
        self._pump: asyncio.Task | None = None
        self._leaving = asyncio.Event()

    def _recover(self) -> str | None:
        """Takes up what an earlier process of this agent has left on disk. Returns its epoch, if there is anything."""
        recovered = self._store.recover() if self._store else None
        if recovered is None:
            return None
        epoch, runs = recovered
        for found in runs:
            log(f"run {found.run}: results of an earlier start are kept until the master has them")
            self._works[found.run] = Orphan(found)
            for number, place in enumerate(found.places, found.first):
                self._spool.recover(found.run, number, place)
        return epoch

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._leaving.set)
        self._link.open()
        for orphan in list(self._works.values()):
            self._acknowledged(orphan, 0)
        while not self._leaving.is_set():
            try:
                await asyncio.wait_for(self._leaving.wait(), self._tick())
            except asyncio.TimeoutError:
                pass
        await self._leave()

    async def _leave(self) -> None:
        """Ends the runners, hands over what there is, and says goodbye."""
        if self._welcome:
            # First of all: whatever the master gives out from now on goes to others.
            self._beat()
        await farewell(self._works.values, lambda: self._welcome is not None, self._tick)
        self._say("goodbye", reason="the agent was told to end")
        if len(self._spool):
            kept = self._store is not None and self._store.working
            log(f"{len(self._spool)} messages of results were not acknowledged: "
                + ("they are delivered when this agent is started again" if kept else "they are lost"))
        for work in self._works.values():
            work.discard()
        if self._pump:
            self._pump.cancel()
        self._link.close()

    # Time passes.

    def _tick(self) -> float:
        """Returns the seconds until it is wanted again."""
        now = time.monotonic()
        if self._welcome and now > self._lease_until:
            log("the master is silent: connecting anew")
            self._welcome = None
            self._reconnect(now)
        elif not self._welcome and now - self._connected_at > RECONNECT:
            self._reconnect(now)
        if self._welcome:
            self._beat()
            if self._spool.overdue(now):
                self._more.set()
        else:
            self._hello()
            if now - self._last_sign > SILENCE and now >= self._tell_at:
                log(f"no master answers at {self._master}: trying on")
                self._tell_at = now + TELL
        for work in list(self._works.values()):
            self.guarded(work, work.tick, now)
            if now - self._last_sign > self._orphan_timeout:
                work.kill(f"its master was away for {self._orphan_timeout:g} s")

        if self._store:
            for descriptor in self._store.unflushed():
                # On another thread: a slow disk holds up nothing.
                asyncio.get_running_loop().run_in_executor(None, _flush, descriptor)
        return self._welcome["beat_ns"] / 1e9 if self._welcome else HELLO

    def _reconnect(self, now: float) -> None:
        self._connected_at = now
        if self._pump:
            self._pump.cancel()
        self._link.drop_results()
        self._link.open()

    def _hello(self) -> None:
        runs = [{"run": name, "seq": work.sequence, "running": work.running} for name, work in self._works.items()]
        self._say(
            "hello", agent=self._identity, name=text(self._name, 256), epoch=self._epoch,
            software=f"loads-python {__version__}", platform=usage.describe(),
            cores=len(os.sched_getaffinity(0)), memory_bytes=usage.memory_bytes(), labels=self._labels,
            dialects=["messages", "lines"], built_in=BUILT_IN, runs=runs)

    def _beat(self) -> None:
        processes = [work.pid for work in self._works.values() if work.pid]
        fields = {
            "sent_ns": time.monotonic_ns(), "usage": self._usage.read(processes),
            "spool_messages": len(self._spool), "spool_bytes": self._spool.bytes,
        }
        if self._echo:
            fields["echo"] = self._echo
        if self._leaving.is_set():
            fields["leaving"] = True
        self._say("beat", **fields)
        # The round trip of an echo is measured once.
        self._echo = None

    def _fast_beat(self, welcome: dict) -> None:
        if self._welcome is welcome:
            self._beat()

    def _say(self, kind: str, **fields: object) -> bool:
        return self._link.send(message(kind, **fields))

    # From the master.

    def _connected(self) -> None:
        """Another connection is another peer to the master: it wants a hello first."""
        self._said_trouble = ""
        self._welcome = None
        self._hello()

    def _trouble(self, reason: str) -> None:
        if reason != self._said_trouble:
            self._said_trouble = reason
            log(reason)

    def _received(self, data: bytes) -> None:
        try:
            fields = decode(data)
            handler = getattr(self, f"_on_{fields['type']}", None)
            # A type that this version does not know is passed over: a newer master may have more to say.
            if handler:
                handler(fields)
        except WireError as error:
            self._say("error", code=error.code, message=text(error))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._say("error", code="malformed", message=text(f"{type(error).__name__}: {error}"))
        except Exception as error:
            # Whatever it is, the other runs go on.
            log(f"a {type(error).__name__} while a message of the master was dealt with: {error}")

    def _on_welcome(self, fields: dict) -> None:
        first = self._welcome is None
        self._last_sign = now = time.monotonic()
        self._lease_until = now + fields["lease_ns"] / 1e9
        port, host = int(fields["results_port"]), fields.get("host")
        for work in self._works.values():
            work.set_interval(fields["batch_interval_ns"] / 1e9)
        self._welcome = fields
        self._echo = {"sent_ns": fields["sent_ns"], "received_ns": time.monotonic_ns()}
        if self._link.connect_results(host, port) or first:
            # What was under way may be lost, and the master knows what it has: everything again from there.
            if self._pump:
                self._pump.cancel()
            self._spool.rewind()
            self._pump = asyncio.create_task(self._send_results())
        if first:
            log(f"welcomed by master {fields['boot']}")
            for work in list(self._works.values()):
                self.guarded(work, work.fetch_again)
            loop = asyncio.get_running_loop()
            for count in range(FAST_BEATS):
                loop.call_later(count * FAST_BEAT_INTERVAL, self._fast_beat, fields)

    def _on_lease(self, fields: dict) -> None:
        received = time.monotonic_ns()
        self._last_sign = now = time.monotonic()
        if not self._welcome:
            return
        self._lease_until = now + self._welcome["lease_ns"] / 1e9
        self._echo = {"sent_ns": fields["sent_ns"], "received_ns": received}
        if not self._ready:
            # For whoever started this process and waits for it: now the master counts on it.
            print(f"ready agent={self._identity} master={self._master}", flush=True)
            self._ready = True
        for work in self._works.values():
            work.set_interval(fields["batch_interval_ns"] / 1e9)

    def _on_run(self, fields: dict) -> None:
        run = fields["run"]
        if run in self._works:
            self._works[run].say_status()
            return
        if run in self._finished or self._leaving.is_set():
            self._say("error", code="state", message=f"run {run} is over on this agent", run=run)
            return
        if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}", run):
            raise ValueError(f"{run!r} cannot be the name of a run")
        work = Work(run, fields["launch"], fields["order"], self._identity, self._data, self)
        if self._welcome:
            work.set_interval(self._welcome["batch_interval_ns"] / 1e9)
        self._works[run] = work
        if self._store:
            self._store.begin(run, self._epoch)
        self.guarded(work, work.prepare)

    def guarded(self, work: Held, body, *arguments: object) -> None:
        try:
            body(*arguments)
        except Refusal as refusal:
            self.refused(work, refusal)
        except OSError as error:
            self.refused(work, Refusal(str(error), 70))

    def _work(self, fields: dict) -> Held | None:
        work = self._works.get(fields["run"])
        if work is None and fields["run"] not in self._finished:
            self._say("error", code="unknown-run", message=f"run {fields['run']} is not known to this agent",
                      run=fields["run"])
        return work

    def _on_start(self, fields: dict) -> None:
        if work := self._work(fields):
            work.start(int(fields["at_ns"]))

    def _on_adjust(self, fields: dict) -> None:
        if work := self._work(fields):
            work.adjust(
                int(fields["users"]), int(fields["first_new_user"]), int(fields["at_ns"]), fields.get("change"))

    def _on_stop(self, fields: dict) -> None:
        # For a run that is not known it is passed over: it may come again.
        if work := self._works.get(fields["run"]):
            work.stop(bool(fields["abort"]))

    def _on_raw_hits(self, fields: dict) -> None:
        if work := self._work(fields):
            work.raw_hits(bool(fields["wanted"]))

    def _on_chunk(self, fields: dict) -> None:
        for work in list(self._works.values()):
            self.guarded(work, work.take_chunk, fields["hash"], int(fields["offset"]), fields["bytes"])

    def _on_ack(self, fields: dict) -> None:
        if fields["epoch"] != self._epoch:
            return
        run, sequence = fields["run"], int(fields["seq"])
        self._spool.acknowledge(run, sequence, time.monotonic())
        self._more.set()
        if work := self._works.get(run):
            self._acknowledged(work, sequence)
        if not self._spool.full:
            for other in self._works.values():
                other.pause(False)

    def _acknowledged(self, work: Held, sequence: int) -> None:
        """Everything up to a number is stored, and perhaps all."""
        if not self._spool.waiting(work.run) and (end := work.acknowledged(sequence)):
            self.result(work, ended=end)
        elif work.over and sequence >= work.sequence:
            self._forget(work)

    def _on_error(self, fields: dict) -> None:
        code = fields["code"]
        if code == "unknown-run" and fields.get("run") is not None:
            if work := self._works.get(fields["run"]):
                log(f"the master has no use for run {work.run}: {fields['message']}")
                work.kill("the master has no use for the run")
                self._forget(work)
            return
        self._trouble(f"the master says: {fields['message']} ({code})")
        if code == "not-welcome":
            # It does not know this connection, perhaps because it was started anew.
            self._welcome = None
            self._hello()

    # From the runs.

    def status(self, work: Work, **fields: object) -> None:
        self._say("status", run=work.run, **fields)

    def make_room(self, count: int = 0) -> None:
        """Shipped files that no run needs make room for others."""
        self.cache.make_room(
            count, {file["hash"] for work in self._works.values() if not work.over for file in work.files})

    def fetch(self, **fields: object) -> None:
        self._say("fetch", **fields)

    def refused(self, work: Work, refusal: Refusal) -> None:
        """Nothing was started: the master is told, and the run is forgotten."""
        self.status(work, state="refused", code=refusal.code, message=text(refusal))
        work.discard()
        self._spool.forget(work.run)
        del self._works[work.run]
        self.make_room()

    def counters_path(self, run: str) -> str | None:
        """Where the counters of a run's runner lie, should this agent be killed; None without a disk to keep them."""
        return self._store.counters_path(run) if self._store else None

    def result(self, work: Held, **content: object) -> None:
        """Puts a result into the spool, numbered."""
        if self._works.get(work.run) is not work:
            return
        work.sequence += 1
        self._spool.add(work.run, work.sequence, message(
            "result", run=work.run, agent=self._identity, epoch=self._epoch, seq=work.sequence, **content), work.counts)
        self._more.set()
        if self._spool.full:
            for other in self._works.values():
                other.pause(True)

    def _forget(self, work: Held) -> None:
        work.discard()
        self._spool.forget(work.run)
        del self._works[work.run]
        self.make_room()
        self._finished[work.run] = None
        if len(self._finished) > REMEMBERED:
            del self._finished[next(iter(self._finished))]

    def _lost(self, entry: Entry) -> bytes:
        """What takes the place of a result that cannot be read back."""
        log(f"a message of run {entry.run} cannot be read back from the spool's files: it is lost")
        data = message(
            "result", run=entry.run, agent=self._identity, epoch=self._epoch, seq=entry.sequence,
            lost={"messages": 1, "hits": 0, "iterations": 0, "from_s": 0.0, "to_s": 0.0})
        self._spool.replace(entry, data)
        return data

    async def _send_results(self) -> None:
        while True:
            self._more.clear()
            while entry := self._spool.next(time.monotonic()):
                data = self._spool.read(entry)
                if data is None:
                    data = self._lost(entry)
                try:
                    await self._link.push(data)
                except zmq.ZMQError:
                    self._spool.unsend(entry)
                    await asyncio.sleep(0.05)
            await self._more.wait()


def _flush(descriptor: int) -> None:
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def log(line: str) -> None:
    print(f"loads-agent: {line}", file=sys.stderr, flush=True)
