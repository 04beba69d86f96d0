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
_FIELDS = {"v", "type", "from_s", "to_s", "iterations", "service", "arrivals", "response", "schedule_lag", "names", "steps",
           "checks", "metrics", "errors", "failures", "health", "users", "warm_up", "hits"}
_HEALTH = {"cpu_s", "latest_timer_ns", "longest_job_ns", "long_jobs", "waited_ns", "holders", "peak_rss_bytes", "dropped_hits",
           "orphan_failures", "overflowed_names"}


class Merger:
    """Lets a batch through when the interval is over; until then it is added to the next. Times are seconds."""

    def __init__(self) -> None:
        self._last = float("-inf")
        self._fields: dict | None = None
        #: The batch as it came, as long as nothing was added to it.
        self._data: bytes | None = None
        self._bytes = 0

    def take(self, data: bytes, fields: dict, now: float, interval: float) -> list[bytes]:
        """Takes a batch; returns those that go to the master now."""
        if not (_FIELDS.issuperset(fields) and _HEALTH.issuperset(fields["health"])):
            return [*self.flush(now), data]
        out = []
        if self._fields is not None and self._bytes + len(data) > LIMIT:
            out += self.flush(now)
        if self._fields is None:
            self._fields, self._data, self._bytes = fields, data, len(data)
        else:
            merge(self._fields, fields)
            self._data = None
            self._bytes += len(data)
        # A runner's own cadence is not exact: a batch that comes a little early need not wait for the next.
        if now - self._last >= interval * 0.8:
            out += self.flush(now)
        return out

    def flush(self, now: float) -> list[bytes]:
        """What waits; a run that ends must not wait for it."""
        if self._fields is None:
            return []
        fields, data = self._fields, self._data
        self._fields = self._data = None
        self._last = now
        return [data or message("batch", **{key: value for key, value in fields.items() if key not in ("v", "type")})]


def counts(fields: dict) -> tuple[int, int, int]:
    """Iterations started and ended, and hits, of a batch, those of a warm-up among them."""
    iterations = fields["iterations"]
    own = (iterations["started"], sum(iterations[key] for key in ("ok", "failed", "skipped", "interrupted")),
           sum(entry["count"] for entry in fields["names"].values()))
    apart = counts(fields["warm_up"]) if fields.get("warm_up") else (0, 0, 0)
    return tuple(map(sum, zip(own, apart)))


def merge(into: dict, other: dict) -> None:
    """Adds a batch's fields to another's."""
    into["from_s"] = min(into["from_s"], other["from_s"])
    into["to_s"] = max(into["to_s"], other["to_s"])
    _statistics(into, other)
    if other.get("hits"):
        into["hits"] = _hits(into["hits"], other["hits"]) if into.get("hits") else other["hits"]


def _statistics(into: dict, other: dict) -> None:
    _add(into["iterations"], other["iterations"])
    into["service"] = _histogram(into["service"], other["service"])
    # What only some plans have: arrivals, and a warm-up that is counted apart.
    if other.get("arrivals"):
        _add(into.setdefault("arrivals", {}), other["arrivals"])
    for key in ("response", "schedule_lag"):
        if other.get(key):
            into[key] = _histogram(into.get(key), other[key])
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


def _add(into: dict, other: dict) -> None:
    for key, count in other.items():
        into[key] = into.get(key, 0) + count


def _name(into: dict, other: dict) -> None:
    for key in ("count", "failed", "requests", "bytes_sent", "bytes_received"):
        into[key] += other[key]
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
    if "waited_ns" in other:
        into["waited_ns"] = into.get("waited_ns", 0) + other["waited_ns"]
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
