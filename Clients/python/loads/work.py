"""One run on this agent: its files, its runner, its results, from the order to the acknowledgement of the end."""

from __future__ import annotations

import asyncio
import os
import platform
import re
import shutil
import time
from typing import TYPE_CHECKING

from .files import BadFile, Fetching, place
from .held import Held
from .lines_plan import unknown
from .lines_runner import LinesRunner
from .merge import counts
from .messages_runner import MessagesRunner
from .runners import Runner
from .url_runner import command_for
from .wire import decode

if TYPE_CHECKING:
    from .serving import Agent

#: A chunk that has not come for so long is asked for again, in seconds.
CHUNK_PATIENCE = 5.0
#: The runners that an agent brings along.
BUILT_IN = ["url"]


class Refusal(Exception):
    """The run cannot be carried out here; nothing was started. `code` is an exit code of `loads`."""

    def __init__(self, reason: str, code: int = 69) -> None:
        super().__init__(reason)
        self.code = code


class Work(Held):
    """Told by the agent what the master wants; tells the agent what to say."""

    def __init__(self, run: str, launch: dict, order: dict, identity: str, data: str, agent: "Agent") -> None:
        super().__init__(run)
        self._launch = launch
        self._order = order
        self._identity = identity
        self._agent = agent
        self._interval = 0.1
        self._cache = agent.cache
        self.files = launch["files"]
        self._directory = os.path.join(data, "runs", run)
        #: Looks at the content of files that lay here.
        self._checking: asyncio.Task | None = None
        self._fetching: Fetching | None = None
        self._asked_at = 0.0
        self._runner: Runner | None = None
        self._is_ready = False
        self._started = False
        self._stopped = False

    # Preparation.

    def prepare(self) -> None:
        """Sees to the files, and then starts the runner. Raises Refusal."""
        wanted = self._launch.get("platform")
        if wanted:
            _check_platform(wanted)
        if self._launch.get("built_in") not in (None, *BUILT_IN):
            raise Refusal(f"this agent brings along no runner named {self._launch['built_in']!r}: it has "
                          + ", ".join(BUILT_IN))
        os.makedirs(self._directory, exist_ok=True)
        if unchecked := self._cache.unchecked(self.files):
            self._checking = asyncio.create_task(self._check(unchecked))
        else:
            self._fetch()

    async def _check(self, hashes: list[str]) -> None:
        # On another thread: beats go on meanwhile.
        self._cache.take(await asyncio.to_thread(self._cache.digests, hashes))
        if self._checking is not None:
            self._checking = None
            self._agent.guarded(self, self._fetch)

    def _fetch(self) -> None:
        """Begins to fetch what is missing, or starts the runner."""
        try:
            self._fetching = Fetching(self._cache, self.files)
        except BadFile as error:
            raise Refusal(str(error), 70) from None
        self._agent.make_room(self._fetching.missing_bytes)
        self._proceed()

    def take_chunk(self, hash_: str, offset: int, data: bytes) -> None:
        """Raises Refusal when what came is not the file."""
        if self._fetching is None:
            return
        try:
            self._fetching.take(hash_, offset, data)
        except (BadFile, OSError) as error:
            raise Refusal(str(error), 70) from None
        self._asked_at = time.monotonic()
        self._proceed()

    def _proceed(self) -> None:
        if self._fetching and not self._fetching.done:
            request = self._fetching.request()
            if request:
                self._asked_at = time.monotonic()
                self._agent.fetch(**request)
            return
        self._fetching = None
        try:
            place(self._cache, self.files, self._directory)
            self._launch_runner()
        except (BadFile, OSError) as error:
            raise Refusal(f"the runner cannot be started: {error}") from None

    def _launch_runner(self) -> None:
        launch = self._launch
        environment = {**os.environ, **launch["environment"]}
        if launch.get("built_in") is not None:
            arguments, more = command_for(self._order["options"], self._directory)
            self._start_lines(arguments, {**environment, **more}, None)
            return
        program = launch["path"]
        if os.path.isabs(program):
            path = program
        elif "/" in program:
            path = os.path.join(self._directory, program)
        else:
            path = shutil.which(program, path=environment.get("PATH", os.defpath))
            if path is None:
                raise Refusal(f"{program}: there is no such program in this agent's PATH")
        directory = launch.get("directory")
        if directory is not None:
            directory = os.path.join(self._directory, directory)
        elif launch["files"]:
            directory = self._directory
        arguments = [path, *launch["arguments"]]
        if launch["dialect"] == "messages":
            self._runner = MessagesRunner(
                arguments, environment, directory, self._order, self._interval, self._agent.counters_path(self.run), self)
        else:
            self._start_lines(arguments, environment, directory)

    def _start_lines(self, arguments: list[str], environment: dict, directory: str | None) -> None:
        if (problem := unknown(self._order)) is not None:
            raise Refusal(problem, 64)
        self._runner = LinesRunner(
            arguments, environment, directory, self._order, self.run, self._identity, self._interval,
            self._agent.counters_path(self.run), self)

    def tick(self, now: float) -> None:
        """Once a beat."""
        if self._fetching and now - self._asked_at > CHUNK_PATIENCE:
            self.fetch_again()
        if self._fetching:
            self.say_status()

    def fetch_again(self) -> None:
        """What was asked for may be lost with the connection."""
        if self._fetching:
            self._fetching.again()
            self._proceed()

    def say_status(self) -> None:
        """How far the preparation is."""
        if self._fetching:
            self._agent.status(self, state="preparing", missing_bytes=self._fetching.missing_bytes)
        elif self._is_ready and not self.over:
            self._agent.status(self, state="ready")

    # From the master.

    def start(self, at: int) -> None:
        if self._runner and self._is_ready and not self._started:
            self._started = True
            self._runner.start(at)

    def adjust(self, users: int, first: int, at: int, change: dict | None) -> None:
        if self._runner:
            self._runner.adjust(users, first, at, change)

    def raw_hits(self, wanted: bool) -> None:
        self._order["plan"]["raw_hits"] = wanted
        if self._runner:
            self._runner.raw_hits(wanted)

    def stop(self, abort: bool) -> None:
        self._stopped = True
        if self.over:
            return
        if self._runner is None:
            # Still fetching: the run ends before there is a runner.
            self.discard()
            self.ended({"state": "finished", "interrupted": True, "seconds": 0.0})
        elif abort:
            self._runner.abort()
        else:
            self._runner.stop()

    def kill(self, reason: str) -> None:
        if self._runner and not self.over:
            self._runner.kill(reason)

    def pause(self, paused: bool) -> None:
        if self._runner:
            self._runner.pause(paused)

    def set_interval(self, seconds: float) -> None:
        self._interval = seconds
        if self._runner:
            self._runner.set_interval(seconds)

    @property
    def running(self) -> bool:
        return self._runner is not None and not self.over

    @property
    def pid(self) -> int | None:
        return self._runner.pid if self._runner and not self.over else None

    def discard(self) -> None:
        """Removes what the run left on the disk."""
        if self._fetching:
            self._fetching.discard()
        self._fetching = self._checking = None
        shutil.rmtree(self._directory, ignore_errors=True)

    # From the runner.

    def ready(self) -> None:
        self._is_ready = True
        self.say_status()

    def report(self, data: bytes) -> None:
        if self._agent.counters_path(self.run) is not None:
            self._count(decode(data))
        self._agent.result(self, report=data)

    def _count(self, fields: dict) -> None:
        """What is on disk tells how much of what its runner did it holds."""
        if fields["type"] == "batch":
            self.counts = tuple(map(sum, zip(self.counts, counts(fields))))

    def refused(self, code: int, reason: str) -> None:
        self._agent.refused(self, Refusal(reason, code))

    def ended(self, fields: dict) -> None:
        self.over = True
        if self._stopped and not self._started:
            # What is stopped before its start has not failed, however its runner took it.
            fields = {"state": "finished", "interrupted": True, "seconds": 0.0}
        self._agent.result(self, ended=fields)


def _check_platform(wanted: dict) -> None:
    system, architecture = platform.system().lower(), platform.machine()
    if (wanted["system"], wanted["architecture"]) != (system, architecture):
        raise Refusal(
            f"the program is for {wanted['system']} {wanted['architecture']}, this agent is {system} {architecture}")
    library, version = platform.libc_ver()
    name, _, least = wanted["library"].partition(" ")
    if name and name == library and _numbers(least) > _numbers(version):
        raise Refusal(f"the program needs {wanted['library']}, this agent has {library} {version}")


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
