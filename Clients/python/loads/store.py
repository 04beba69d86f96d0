"""The spool's files: what an agent that is killed leaves behind, and the next one goes on with.

`DIR/.epoch`, and a folder for each run: segments, and `counters`, the live counters of its runner. No run can be
named like a file of the store: its name never begins with a dot.
"""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from dataclasses import dataclass
from typing import Callable

from .wire import WireError, decode

#: Magic, version, nothing, epoch, the number before the first record, the run's counts until then.
_HEADER = struct.Struct("<8sII16sQ3q")
#: Length of the message, CRC-32 of all that follows, sequence number, the run's counts with it.
_RECORD = struct.Struct("<IIQ3q")
_MAGIC = b"LOADSSPL"
_VERSION = 1
#: A segment is closed when it is longer than this; its file goes when all of it is acknowledged.
SEGMENT_BYTES = 8 << 20
#: The epoch's file.
_EPOCH = ".epoch"

Counts = tuple[int, int, int]


@dataclass(slots=True)
class Place:
    """Where a message lies."""

    segment: "Segment"
    offset: int
    size: int


class Segment:
    """One append-only file. What is torn at its end was never acknowledged, and is cut off."""

    def __init__(self, path: str, descriptor: int, base: int) -> None:
        self.path = path
        self.descriptor = descriptor
        #: The number before its first record, and the last one in it.
        self.base = self.last = base
        self.counts: Counts = (0, 0, 0)
        self.size = 0

    def __del__(self) -> None:
        os.close(self.descriptor)

    @classmethod
    def create(cls, path: str, epoch: str, base: int, counts: Counts) -> "Segment":
        segment = cls(path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), base)
        segment.counts = counts
        segment._write(_HEADER.pack(_MAGIC, _VERSION, 0, epoch.encode(), base, *counts))
        return segment

    def append(self, data: bytes, sequence: int, counts: Counts) -> Place:
        tail = struct.pack("<Q3q", sequence, *counts) + data
        place = Place(self, self.size + _RECORD.size, len(data))
        self._write(struct.pack("<II", len(data), zlib.crc32(tail)) + tail)
        self.last, self.counts = sequence, counts
        return place

    def _write(self, data: bytes) -> None:
        left, offset = memoryview(data), self.size
        try:
            while left:
                count = os.pwrite(self.descriptor, left, offset)
                left, offset = left[count:], offset + count
        except OSError:
            # What was written of it would be taken for a torn end; better that there is nothing.
            os.ftruncate(self.descriptor, self.size)
            raise
        self.size = offset

    def read(self, place: Place) -> bytes | None:
        try:
            data = os.pread(self.descriptor, place.size, place.offset)
        except OSError:
            return None
        return data if len(data) == place.size else None

    @classmethod
    def recover(cls, path: str, epoch: str) -> "tuple[Segment, list[Place]] | None":
        """A file of an earlier process; None when it is none of ours, or of another epoch."""
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        segment = cls(path, descriptor, 0)
        length = os.fstat(descriptor).st_size
        head = os.pread(descriptor, _HEADER.size, 0)
        if len(head) < _HEADER.size:
            return None
        magic, version, _, wrote, base, *counts = _HEADER.unpack(head)
        if (magic, version, wrote.rstrip(b"\0")) != (_MAGIC, _VERSION, epoch.encode()):
            return None
        segment.base = segment.last = base
        segment.counts = tuple(counts)
        segment.size = _HEADER.size
        places = []
        while len(head := os.pread(descriptor, _RECORD.size, segment.size)) == _RECORD.size:
            size, checksum, sequence, *counts = _RECORD.unpack(head)
            start = segment.size + _RECORD.size
            if size > length - start or sequence != segment.last + 1:
                break
            data = os.pread(descriptor, size, start)
            if zlib.crc32(data, zlib.crc32(head[8:])) != checksum:
                break
            places.append(Place(segment, start, size))
            segment.last, segment.counts, segment.size = sequence, tuple(counts), start + size
        os.ftruncate(descriptor, segment.size)
        return segment, places


@dataclass
class Recovered:
    """What is left of a run whose agent was killed."""

    run: str
    #: The number of the first place.
    first: int
    places: list[Place]
    counts: Counts
    #: Whether the last of them is the run's end.
    ended: bool
    #: What its runner counted beyond that and nobody has reported.
    unreported: Counts


class Store:
    """When a file cannot be written (a full disk), the store is given up: the spool goes on in memory, and nothing is
    recovered, since it would have holes. `on_trouble` is told."""

    def __init__(self, directory: str, on_trouble: Callable[[str], None], segment_bytes: int = SEGMENT_BYTES) -> None:
        self._directory = directory
        self._on_trouble = on_trouble
        self._segment_bytes = segment_bytes
        self._epoch = ""
        self._segments: dict[str, list[Segment]] = {}
        self._unflushed: set[Segment] = set()
        self.working = True
        os.makedirs(directory, mode=0o700, exist_ok=True)

    def _path(self, *names: str) -> str:
        return os.path.join(self._directory, *names)

    def counters_path(self, run: str) -> str | None:
        """Where the live counters of a run's runner lie."""
        return self._path(run, "counters") if run in self._segments else None

    # Recovery.

    def recover(self) -> tuple[str, list[Recovered]] | None:
        """Reads what an earlier process left, and removes what cannot be gone on with. Call it once, first.

        Returns the epoch to go on with, and the runs; None when there is nothing.
        """
        try:
            with open(self._path(_EPOCH), encoding="ascii", errors="replace") as file:
                epoch = file.read(64)
        except OSError:
            epoch = ""
        runs = []
        for name in sorted(os.listdir(self._directory)):
            if name == _EPOCH:
                continue
            found = self._recover(name, epoch) if len(epoch) == 16 and os.path.isdir(self._path(name)) else None
            if found:
                runs.append(found)
            else:
                self._delete(name)
        if not runs:
            self._delete(_EPOCH)
            return None
        self._epoch = epoch
        return epoch, runs

    def _recover(self, run: str, epoch: str) -> Recovered | None:
        segments: list[Segment] = []
        places: list[Place] = []
        for name in sorted(name for name in os.listdir(self._path(run)) if name.endswith(".seg")):
            found = Segment.recover(self._path(run, name), epoch)
            if found is None or segments and found[0].base != segments[-1].last:
                # Behind a hole nothing can be delivered: the master takes the next number only.
                if not segments:
                    return None
                os.unlink(self._path(run, name))
                continue
            segments.append(found[0])
            places += found[1]
        if not segments:
            return None
        self._segments[run] = segments
        ended = False
        if places:
            try:
                ended = decode(self.read(places[-1]) or b"").get("ended") is not None
            except WireError:
                pass
        counts = segments[-1].counts
        counted = read_counters(self._path(run, "counters"))
        unreported = tuple(max(0, all_ - known) for all_, known in zip(counted, counts))
        return Recovered(run, segments[0].base + 1, places, counts, ended, unreported)

    def _delete(self, name: str) -> None:
        path = self._path(name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            try:
                os.unlink(path)
            except FileNotFoundError:
                pass

    # Writing.

    def begin(self, run: str, epoch: str) -> None:
        """Begins a run's files."""
        if not self.working:
            return
        try:
            if self._epoch != epoch:
                with open(self._path(_EPOCH + ".new"), "w", encoding="ascii") as file:
                    file.write(epoch)
                os.replace(self._path(_EPOCH + ".new"), self._path(_EPOCH))
                self._epoch = epoch
            self._delete(run)
            os.mkdir(self._path(run), 0o700)
            self._segments[run] = [self._create(run, 0, (0, 0, 0))]
        except OSError as error:
            self._give_up(error)

    def _create(self, run: str, base: int, counts: Counts) -> Segment:
        return Segment.create(self._path(run, f"{base:019}.seg"), self._epoch, base, counts)

    def append(self, run: str, data: bytes, sequence: int, counts: Counts) -> Place | None:
        """Writes a message. It survives this process as soon as this returns a place."""
        segments = self._segments.get(run)
        if not self.working or not segments:
            return None
        try:
            if sequence != segments[-1].last + 1:
                # The master had more than the disk has kept: all before is acknowledged.
                old, self._segments[run] = segments, [self._create(run, sequence - 1, segments[-1].counts)]
                self._drop(old)
                segments = self._segments[run]
            elif segments[-1].size >= self._segment_bytes:
                segments.append(self._create(run, sequence - 1, segments[-1].counts))
            place = segments[-1].append(data, sequence, counts)
            self._unflushed.add(segments[-1])
            return place
        except OSError as error:
            self._give_up(error)
            return None

    def _give_up(self, error: OSError) -> None:
        self.working = False
        # Without an epoch nothing is recovered.
        self._delete(_EPOCH)
        self._on_trouble(f"{self._directory}: {error.strerror}: results are kept in memory only from now on. "
                         "Make room on that disk, and restart the agent after the run")

    def read(self, place: Place) -> bytes | None:
        return place.segment.read(place)

    def acknowledged(self, run: str, sequence: int) -> None:
        """Removes the files that are acknowledged as a whole."""
        segments = self._segments.get(run)
        if not segments:
            return
        newest = segments[-1]
        if self.working and newest.last <= sequence and newest.size > self._segment_bytes // 8:
            try:
                segments.append(self._create(run, newest.last, newest.counts))
            except OSError as error:
                self._give_up(error)
        while len(segments) > 1 and segments[0].last <= sequence:
            self._drop([segments.pop(0)])

    def _drop(self, segments: list[Segment]) -> None:
        for segment in segments:
            self._unflushed.discard(segment)
            os.unlink(segment.path)

    def remove(self, run: str) -> None:
        """Removes a run's files."""
        segments = self._segments.pop(run, None)
        if segments is not None:
            self._unflushed.difference_update(segments)
            self._delete(run)

    def unflushed(self) -> list[int]:
        """Descriptors of what was written since the last call, to flush to the disk and close: copies."""
        copies = [os.dup(segment.descriptor) for segment in self._unflushed]
        self._unflushed.clear()
        return copies


def read_counters(path: str) -> Counts:
    """The sums of a runner's live counters: iterations started and ended, hits. Zeros where there is no such file."""
    try:
        with open(path, "rb") as file:
            data = file.read(65_536)
    except OSError:
        return 0, 0, 0
    sums = [0, 0, 0]
    for slot in range(0, len(data) - 23, 64):
        for place, number in enumerate(struct.unpack_from("<3Q", data, slot)):
            sums[place] += number
    return tuple(sums)
