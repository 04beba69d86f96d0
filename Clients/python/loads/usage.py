"""What the machine and the agent use, read from /proc."""

from __future__ import annotations

import os
import platform
import time


def describe() -> dict:
    """The platform as `hello` names it."""
    library, version = platform.libc_ver()
    return {
        "system": platform.system().lower(), "architecture": platform.machine(),
        "library": f"{library or 'libc'} {version}".strip(),
    }


def memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class Usage:
    """Rates are over the time since the last reading."""

    def __init__(self) -> None:
        self._last: tuple[float, float, int, int] | None = None

    def read(self, processes: list[int]) -> dict:
        """`processes`: the runners; what they started is not looked at."""
        now, busy = time.monotonic(), _busy_seconds()
        received, sent = _network_bytes()
        last = self._last or (now, busy, received, sent)
        self._last = (now, busy, received, sent)
        span = max(1e-3, now - last[0])
        totals = [_process(number) for number in [os.getpid(), *processes]]
        return {
            "busy_cores": max(0.0, (busy - last[1]) / span), "cpu_s": sum(total[0] for total in totals),
            "resident_bytes": sum(total[1] for total in totals), "descriptors": sum(total[2] for total in totals),
            "received_bytes_per_s": max(0.0, (received - last[2]) / span),
            "sent_bytes_per_s": max(0.0, (sent - last[3]) / span),
        }


def _busy_seconds() -> float:
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    # Not the idle and the waiting time.
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def _network_bytes() -> tuple[int, int]:
    received = sent = 0
    with open("/proc/net/dev", encoding="ascii") as file:
        for line in file.readlines()[2:]:
            name, _, numbers = line.partition(":")
            if name.strip() != "lo":
                words = numbers.split()
                received += int(words[0])
                sent += int(words[8])
    return received, sent


def _process(number: int) -> tuple[float, int, int]:
    try:
        with open(f"/proc/{number}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        descriptors = len(os.listdir(f"/proc/{number}/fd"))
    except (OSError, IndexError):
        return 0.0, 0, 0
    seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds, int(fields[21]) * os.sysconf("SC_PAGE_SIZE"), descriptors
