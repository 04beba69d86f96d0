"""A runner's process: in a group of its own, its pipes read on the event loop, its end noticed before it is reaped."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
from typing import Callable

#: How much of what a program prints is kept, for the case that it crashes.
TAIL = 16 << 10


def reserve_descriptors() -> None:
    """Once, before anything else is opened: nothing of ours may have the numbers that runners find theirs under.

    The pipe over which `subprocess` hears that a program could not be started would otherwise be overwritten by them.
    """
    # A new descriptor has the lowest number that is free.
    while os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC) < 5:
        pass


#: Both ends of a pipe, open as long as this process lives: nothing is ever written, and only the kernel closes it.
_lifeline: tuple[int, int] | None = None


def _guard(group: int) -> subprocess.Popen | None:
    """Starts a process in another one's group that kills the whole group when this process is gone, however it went."""
    global _lifeline
    _lifeline = _lifeline or os.pipe()
    try:
        return subprocess.Popen(
            ["loads-guard", "-c", "read -r end; kill -KILL 0"], executable="/bin/sh", cwd="/", env={}, stdin=_lifeline[0],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=group,
            # A program may send a signal to its group.
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()))
    except OSError:
        return None


class Child:
    """Starts a program and tells of its end once everything that it wrote has been read."""

    def __init__(self, arguments: list[str], environment: dict[str, str], directory: str | None, keep: list[int],
                 stdin: int, on_exit: Callable[[int], None]) -> None:
        """`keep`: descriptors that the program inherits, as 3, 4 and so on: a shell knows numbers of one digit only.

        Raises OSError when it cannot be started.
        """
        self._loop = asyncio.get_running_loop()
        self._on_exit = on_exit
        self._readers: dict[int, Callable[[bytes], None]] = {}
        self._paused: set[int] = set()
        self._tail = bytearray()
        self._status: int | None = None
        #: Why it was killed, if it was.
        self.fault: str | None = None
        numbers = range(3, 3 + len(keep))
        # Copies above the program's numbers, so that no dup2 overwrites what a later one needs.
        copies = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 16) for descriptor in keep]

        def hand_over() -> None:
            for copy, number in zip(copies, numbers):
                os.dup2(copy, number)

        output, write = os.pipe()
        try:
            self._process = subprocess.Popen(
                arguments, env=environment, cwd=directory, pass_fds=numbers, stdin=stdin, stdout=write,
                stderr=write, process_group=0, restore_signals=True, preexec_fn=hand_over)
        except BaseException:
            os.close(output)
            raise
        finally:
            for descriptor in [write, *copies]:
                os.close(descriptor)
        self.pid = self._process.pid
        self._guard = _guard(self.pid)
        self._pidfd = os.pidfd_open(self.pid)
        self._loop.add_reader(self._pidfd, self._reap)
        self.read(output, self._keep_tail)

    def read(self, descriptor: int, body: Callable[[bytes], None]) -> None:
        """Hands over what comes from a pipe, which is the child's to close from now on."""
        os.set_blocking(descriptor, False)
        self._readers[descriptor] = body
        self._loop.add_reader(descriptor, self._readable, descriptor)

    def pause(self, descriptor: int, paused: bool) -> None:
        """Leaves a pipe unread, or reads on."""
        if descriptor not in self._readers or (descriptor in self._paused) == paused:
            return
        if paused:
            self._paused.add(descriptor)
            self._loop.remove_reader(descriptor)
        else:
            self._paused.discard(descriptor)
            self._loop.add_reader(descriptor, self._readable, descriptor)
            if self._status is not None:
                self._loop.call_later(0.5, self._give_up)

    def kill(self, reason: str) -> None:
        """Kills it and whatever it started. Its end is told as always."""
        if self._status is None:
            self.fault = self.fault or reason
            os.killpg(self.pid, signal.SIGKILL)

    @property
    def tail(self) -> str:
        """The end of what it printed."""
        return self._tail[-TAIL:].decode("utf-8", "replace")

    def usage(self) -> tuple[float, int]:
        """Seconds of CPU so far, and the most bytes resident."""
        try:
            with open(f"/proc/{self.pid}/stat", encoding="ascii", errors="replace") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as file:
                peak = next((int(line.split()[1]) for line in file if line.startswith("VmHWM:")), 0)
        except (OSError, IndexError):
            return 0.0, 0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), peak * 1024

    def _keep_tail(self, data: bytes) -> None:
        self._tail += data
        if len(self._tail) > 2 * TAIL:
            del self._tail[:-TAIL]

    def _readable(self, descriptor: int) -> None:
        try:
            data = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._readers[descriptor](data)
        else:
            self._close(descriptor)
            self._finish()

    def _close(self, descriptor: int) -> None:
        if self._readers.pop(descriptor, None) is not None:
            self._loop.remove_reader(descriptor)
            self._paused.discard(descriptor)
            os.close(descriptor)

    def _reap(self) -> None:
        # What it started goes with it; before the reaping, while the number of its group cannot be another's.
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        if self._guard is not None:
            self._guard.kill()
            self._guard.wait()
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._status = self._process.wait()
        self._finish()
        # A process that left the group may hold the pipes open: what is in them is read, more is not waited for.
        self._loop.call_later(0.5, self._give_up)

    def _give_up(self) -> None:
        for descriptor in [number for number in self._readers if number not in self._paused]:
            self._close(descriptor)
        self._finish()

    def _finish(self) -> None:
        if self._status is not None and not self._readers and self._on_exit is not None:
            on_exit, self._on_exit = self._on_exit, None
            on_exit(self._status)


def describe(status: int) -> str:
    """An exit status for a person; negative is a signal, as subprocess has it."""
    if status >= 0:
        return f"exit code {status}"
    try:
        return f"signal {-status} ({signal.Signals(-status).name})"
    except ValueError:
        return f"signal {-status}"


class Writer:
    """Writes to a pipe of a program without ever waiting for it."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor: int | None = descriptor
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._watched = False
        self._closing = False

    def write(self, data: bytes) -> None:
        """A program that is gone is no error: its end is told anyway."""
        if self._descriptor is not None:
            self._buffer += data
            self._flush()

    def close(self) -> None:
        """Closes the pipe once everything is written."""
        self._closing = True
        self._flush()

    def abandon(self) -> None:
        """Closes the pipe now."""
        self._buffer.clear()
        self.close()

    def _flush(self) -> None:
        if self._descriptor is None:
            return
        try:
            while self._buffer:
                del self._buffer[:os.write(self._descriptor, self._buffer)]
        except BlockingIOError:
            if not self._watched:
                self._watched = True
                self._loop.add_writer(self._descriptor, self._flush)
            return
        except OSError:
            self._buffer.clear()
            self._closing = True
        if self._watched:
            self._watched = False
            self._loop.remove_writer(self._descriptor)
        if self._closing:
            os.close(self._descriptor)
            self._descriptor = None
