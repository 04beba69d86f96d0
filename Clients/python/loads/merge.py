"""Batches of a runner that come more often than the master wants them, added up (Docs/RunnerProtocol.md, Batch)."""

from __future__ import annotations

from . import grouped
from .histogram import Histogram
from .wire import message

#: Batches that are together larger than this stay apart, in bytes.
LIMIT = 2 << 20
_COLUMNS = ("t", "user", "iteration", "name", "method", "url", "status", "ms", "bytes", "requests", "error")
_TEXTS = ("name", "method", "url", "error")
#: What can be added up. A batch that holds more is left as it is: what it says would be lost.
_FIELDS = {"v", "type", "from_s", "to_s", "iterations", "service", "arrivals", "response", "unscheduled", "user_wait",
           "schedule_lag", "names", "scenarios", "steps", "checks", "metrics", "errors", "failures", "health", "users", "warm_up", "hits"}
_HEALTH = {"cpu_s", "latest_timer_ns", "longest_job_ns", "long_jobs", "waited_ns", "held_ns", "holders",
           "peak_rss_bytes", "dropped_hits", "orphan_failures", "overflowed_names"}


class Merger:
    """Lets batches through when the interval is over; until then they are added up, those of each second of the run by themselves.

    Times are seconds.
    """

    def __init__(self) -> None:
        self._last = float("-inf")
        #: By second of the run: the fields, and the batch as it came, as long as nothing was added to it.
        self._waiting: dict[int, tuple[dict, bytes | None]] = {}
        #: The last second of which anything came.
        self._newest = 0
        self._bytes = 0

    def take(self, data: bytes, fields: dict, now: float, interval: float) -> list[bytes]:
        """Takes a batch; returns those that go to the master now."""
        if not (_FIELDS.issuperset(fields) and _HEALTH.issuperset(fields["health"])):
            return [*self.flush(now), data]
        out = []
        second = _second(fields)
        # What is behind the end of the second waits for as long again: so it goes on from second to second. What is late for a
        # second hurries nobody.
        is_next = second > self._newest and self._newest in self._waiting
        if self._waiting and (is_next or self._bytes + len(data) > LIMIT):
            out += self.flush(now)
        self._newest = max(self._newest, second)
        if second in self._waiting:
            known, _ = self._waiting[second]
            merge(known, fields)
            self._waiting[second] = known, None
        else:
            self._waiting[second] = fields, data
        self._bytes += len(data)
        # A runner's own cadence is not exact: a batch that comes a little early need not wait for the next.
        if now - self._last >= interval - min(interval * 0.2, 0.05):
            out += self.flush(now)
        return out

    def flush(self, now: float) -> list[bytes]:
        """What waits; a run that ends must not wait for it."""
        if not self._waiting:
            return []
        waiting = [self._waiting[second] for second in sorted(self._waiting)]
        self._waiting.clear()
        self._bytes = 0
        self._last = now
        return [data or message("batch", **{key: value for key, value in fields.items() if key not in ("v", "type")})
                for fields, data in waiting]


def _second(fields: dict) -> int:
    """The second of the run in whose middle a batch's interval lies."""
    return int((fields["from_s"] + fields["to_s"]) / 2)


def counts(fields: dict) -> tuple[int, int, int]:
    """Iterations started and ended, and hits, of a batch, those of a warm-up among them."""
    iterations = fields["iterations"]
    own = (iterations["started"], sum(iterations[key] for key in ("ok", "failed", "skipped", "interrupted")),
           sum(entry["count"] + (entry.get("cancelled") or 0) for entry in fields["names"].values()))
    apart = counts(fields["warm_up"]) if fields.get("warm_up") else (0, 0, 0)
    return tuple(map(sum, zip(own, apart)))


def merge(into: dict, other: dict) -> None:
    """Adds a batch's fields to another's, of the same second."""
    into["from_s"] = min(into["from_s"], other["from_s"])
    into["to_s"] = max(into["to_s"], other["to_s"])
    _statistics(into, other)
    if other.get("hits"):
        into["hits"] = _hits(into["hits"], other["hits"]) if into.get("hits") else other["hits"]


def _statistics(into: dict, other: dict) -> None:
    _times(into, other)
    # What only some plans have: arrivals, several scenarios, and a warm-up that is counted apart.
    if other.get("scenarios"):
        into["scenarios"] = into.get("scenarios") or {}
    for name, entry in (other.get("scenarios") or {}).items():
        known = into["scenarios"].setdefault(name, entry)
        if known is not entry:
            _times(known, entry)
    if other.get("warm_up"):
        if into.get("warm_up"):
            _statistics(into["warm_up"], other["warm_up"])
        else:
            into["warm_up"] = other["warm_up"]
    for name, entry in other["names"].items():
        known = into["names"].setdefault(name, entry)
        if known is not entry:
            _name(known, entry)
    grouped.merge(into, other, _histogram)
    for key in ("errors", "failures"):
        for group, occurrences in other[key].items():
            known = into[key].setdefault(group, occurrences)
            if known is not occurrences:
                _occurrences(known, occurrences)
    _health(into["health"], other["health"])
    into["users"] = other["users"]


def _times(into: dict, other: dict) -> None:
    """Iterations and arrivals, of all scenarios or of one."""
    _add(into["iterations"], other["iterations"])
    into["service"] = _histogram(into["service"], other["service"])
    if other.get("arrivals"):
        into["arrivals"] = into.get("arrivals") or {}
        _add(into["arrivals"], other["arrivals"])
    for key in ("response", "unscheduled", "user_wait", "schedule_lag"):
        if other.get(key):
            into[key] = _histogram(into.get(key), other[key])


def _add(into: dict, other: dict) -> None:
    for key, count in other.items():
        into[key] = (into.get(key) or 0) + (count or 0)


def _name(into: dict, other: dict) -> None:
    for key in ("count", "failed", "requests", "bytes_sent", "bytes_received"):
        into[key] += other[key]
    if other.get("cancelled"):
        into["cancelled"] = (into.get("cancelled") or 0) + other["cancelled"]
    into["latency"] = _histogram(into["latency"], other["latency"])
    into["phases"] = [_histogram(*pair) for pair in zip(into["phases"], other["phases"])]
    status: dict[int, int] = {}
    for pairs in (into["status"], other["status"]):
        _add(status, dict(zip(pairs[::2], pairs[1::2])))
    into["status"] = [number for pair in sorted(status.items()) for number in pair]


def _histogram(one: list | None, other: list | None) -> list | None:
    if one is None or other is None:
        return one or other
    sum_, more = Histogram.unpacked(one), Histogram.unpacked(other)
    sum_.add(more)
    return sum_.packed()


def _occurrences(into: dict, other: dict) -> None:
    into["count"] += other["count"]
    if other["first_s"] < into["first_s"]:
        into["first_s"], into["sample"] = other["first_s"], other["sample"]
    into["last_s"] = max(into["last_s"], other["last_s"])


def _health(into: dict, other: dict) -> None:
    for key in ("cpu_s", "latest_timer_ns", "longest_job_ns", "peak_rss_bytes", "overflowed_names"):
        into[key] = max(into[key], other[key])
    for key in ("long_jobs", "dropped_hits", "orphan_failures"):
        into[key] += other[key]
    for key in ("waited_ns", "held_ns"):
        if other.get(key) is not None:
            into[key] = (into.get(key) or 0) + other[key]
    for name, held in (other.get("holders") or {}).items():
        holders = into["holders"] = into.get("holders") or {}
        known = holders.setdefault(name, {"count": 0, "longest_ns": 0})
        known["count"] += held["count"]
        known["longest_ns"] = max(known["longest_ns"], held["longest_ns"])


def _hits(into: dict, other: dict) -> dict:
    """Columns behind one another, with one table of strings."""
    places: dict[str, int] = {}
    columns: dict[str, list] = {key: [] for key in _COLUMNS}
    for hits in (into, other):
        table = [places.setdefault(text, len(places)) for text in hits["strings"]]
        for key in _COLUMNS:
            column = hits[key]
            columns[key] += [None if value is None else table[value] for value in column] if key in _TEXTS else column
    return {"strings": list(places), **columns}
