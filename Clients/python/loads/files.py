"""Files that the master ships: fetched in chunks on credit, known by their hash, checked on arrival."""

from __future__ import annotations

import hashlib
import os
import shutil

CHUNK = 256 << 10
#: What is asked for at once: beats and acknowledgements must not wait behind megabytes.
CREDIT = 4 * CHUNK


class BadFile(Exception):
    """What arrived is not the file that was asked for."""


class Cache:
    """The files that came, by their hash: checked when they came, and once in the life of an agent before they are used
    again, since a power cut may leave less than was written.

    Bounded: when more is wanted, what has not been used for the longest time goes.
    """

    def __init__(self, directory: str, limit: int = 4 << 30) -> None:
        """`limit`: bytes that are kept, unless runs need more."""
        self._directory = directory
        self._limit = limit
        #: Hashes of the files whose content this process has seen.
        self._checked: set[str] = set()
        os.makedirs(directory, exist_ok=True)
        for name in os.listdir(directory):
            if name.endswith(".part"):
                os.unlink(self.path(name))

    def path(self, name: str) -> str:
        return os.path.join(self._directory, name)

    def has(self, file: dict) -> bool:
        """Whether a file is there, and as long as it should be. One of another length is removed."""
        path = self.path(file["hash"])
        if not os.path.lexists(path):
            return False
        if not os.path.isfile(path) or os.path.getsize(path) != file["bytes"]:
            self._drop(file["hash"])
            return False
        # The last use decides who goes first.
        os.utime(path)
        return True

    def unchecked(self, files: list[dict]) -> list[str]:
        """Those of some files that are there with a content which nobody has looked at since this agent was started."""
        return [hash_ for hash_ in dict.fromkeys(file["hash"] for file in files if self.has(file))
                if hash_ not in self._checked]

    def digests(self, hashes: list[str]) -> dict[str, str]:
        """Reads files, which may take long: on any thread."""
        found = {}
        for hash_ in hashes:
            try:
                with open(self.path(hash_), "rb") as file:
                    found[hash_] = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError:
                found[hash_] = ""
        return found

    def take(self, digests: dict[str, str]) -> list[str]:
        """Takes note of what `digests` has found: a file with another content is removed. Returns the hashes of those."""
        for hash_, digest in digests.items():
            if digest == hash_:
                self._checked.add(hash_)
            else:
                self._drop(hash_)
        return [hash_ for hash_, digest in digests.items() if digest != hash_]

    def keep(self, part: str, hash_: str) -> None:
        """Takes in a file that has come."""
        os.replace(part, self.path(hash_))
        self._checked.add(hash_)

    def make_room(self, count: int, needed: set[str]) -> None:
        """Removes what was not used for the longest time, until `count` bytes more are within the limit.

        - `needed`: files that stay in any case: runs need them, even if all of it is beyond the limit then.
        """
        files = []
        for name in os.listdir(self._directory):
            if not name.endswith(".part"):
                status = os.lstat(self.path(name))
                files.append((status.st_mtime_ns, status.st_size, name))
        total = count + sum(size for _, size, _ in files)
        for _, size, name in sorted(files):
            if total <= self._limit:
                break
            if name not in needed:
                self._drop(name)
                total -= size

    def _drop(self, name: str) -> None:
        self._checked.discard(name)
        try:
            os.unlink(self.path(name))
        except IsADirectoryError:
            shutil.rmtree(self.path(name))


class Fetching:
    """The files that one run lacks, one after the other. No I/O but to the cache; the caller sends the requests."""

    def __init__(self, cache: Cache, files: list[dict]) -> None:
        self._cache = cache
        self._wanted = {file["hash"]: file["bytes"] for file in files if not cache.has(file)}
        self._offset = 0
        self._asked = 0
        self._digest = hashlib.sha256()
        self._failed: set[str] = set()
        self._skip_empty()

    @property
    def missing_bytes(self) -> int:
        return sum(self._wanted.values()) - self._offset

    @property
    def done(self) -> bool:
        return not self._wanted

    def _current(self) -> tuple[str, int]:
        return next(iter(self._wanted.items()))

    def _skip_empty(self) -> None:
        """A file without bytes needs no chunk."""
        while self._wanted and self._current()[1] == 0:
            self._complete(self._current()[0])

    def request(self) -> dict | None:
        """What to ask the master for now, or None while it owes us something."""
        if self.done or self._offset < self._asked:
            return None
        hash_, size = self._current()
        count = min(CREDIT, size - self._offset)
        self._asked = self._offset + count
        return {"hash": hash_, "offset": self._offset, "bytes": count}

    def again(self) -> None:
        """What was asked for does not come: ask anew."""
        self._asked = self._offset

    def take(self, hash_: str, offset: int, data: bytes) -> None:
        """Stores a chunk; one that was not asked for is passed over.

        Raises BadFile when the file is complete for the second time and is not the one whose hash was asked for.
        """
        if self.done or self._current()[0] != hash_ or offset != self._offset or not data:
            return
        size = self._current()[1]
        if offset + len(data) > size:
            raise BadFile(f"file {hash_[:12]}… is longer than the {size} bytes that were announced")
        with open(self._part(hash_), "r+b" if offset else "wb") as file:
            file.seek(offset)
            file.write(data)
        self._digest.update(data)
        self._offset += len(data)
        if self._offset == size:
            self._complete(hash_)
            self._skip_empty()

    def _complete(self, hash_: str) -> None:
        found = self._digest.hexdigest()
        self._offset = self._asked = 0
        self._digest = hashlib.sha256()
        if found != hash_:
            self.discard()
            if hash_ in self._failed or self._wanted[hash_] == 0:
                raise BadFile(f"file {hash_[:12]}… arrived twice with another hash: it is damaged at the master")
            self._failed.add(hash_)
            return
        if self._wanted.pop(hash_) == 0:
            open(self._part(hash_), "wb").close()
        self._cache.keep(self._part(hash_), hash_)

    def discard(self) -> None:
        """Removes what has arrived of the current file."""
        if self._wanted:
            try:
                os.unlink(self._part(self._current()[0]))
            except FileNotFoundError:
                pass

    def _part(self, hash_: str) -> str:
        return self._cache.path(f"{hash_}.part")


def place(cache: Cache, files: list[dict], directory: str) -> None:
    """Puts a run's files where it expects them. Copies: a run may write into its directory, the cache stays as it is."""
    for file in files:
        path = os.path.normpath(os.path.join(directory, file["path"]))
        if not path.startswith(directory + os.sep):
            raise BadFile(f"{file['path']}: leads out of the run's directory")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copyfile(cache.path(file["hash"]), path)
        os.chmod(path, 0o755 if file["executable"] else 0o644)
