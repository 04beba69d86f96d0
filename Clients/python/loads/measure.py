"""Adds up what a program of the dialect `lines` reports, and cuts it into batches as a runner would send them."""

from __future__ import annotations

from urllib.parse import urlsplit

from .grouped import OTHER, BadResult, Family, Grouped
from .histogram import Histogram
from .wire import message, text

#: Groups of errors or failures kept apart.
GROUPS = 200
#: Raw hits that a batch carries at most; more are dropped and counted.
HITS = 60_000
#: Bytes of URLs and errors that they have at most, for the same reason: a message has its limit, and so has the memory.
HIT_TEXT = 4 << 20
#: Seconds that are kept apart between two batches, the present one and past ones; what belongs to further ones is in the last.
SECONDS = 101
_ARRIVALS = ("planned", "started", "dropped", "cancelled")
_NO_HEALTH = {"cpu_s": 0.0, "latest_timer_ns": 0, "longest_job_ns": 0, "long_jobs": 0, "peak_rss_bytes": 0, "dropped_hits": 0,
              "orphan_failures": 0, "overflowed_names": 0}
_OUTCOMES = ("ok", "failed", "skipped", "interrupted")
_PHASES = ("blocked", "dns", "connect", "tls", "send", "wait", "receive")


class _Name:
    __slots__ = ("count", "cancelled", "failed", "requests", "sent", "received", "latency", "phases", "status")

    def __init__(self) -> None:
        self.count = self.cancelled = self.failed = self.requests = self.sent = self.received = 0
        self.latency = Histogram()
        self.phases: dict[str, Histogram] = {}
        self.status: dict[int, int] = {}

    def packed(self) -> dict:
        return {
            "count": self.count, **({"cancelled": self.cancelled} if self.cancelled else {}), "failed": self.failed,
            "requests": self.requests, "bytes_sent": self.sent, "bytes_received": self.received, "latency": self.latency.packed(),
            "phases": [self.phases[name].packed() if name in self.phases else None for name in _PHASES],
            "status": [number for pair in sorted(self.status.items()) for number in pair],
        }


class _Sums:
    """What was counted in a second since the last batch, in the warm-up or after it."""

    def __init__(self, families: dict[str, Family]) -> None:
        self.grouped = Grouped(families)
        self.iterations = dict.fromkeys(_OUTCOMES, 0)
        self.cut_off = 0
        self.service = Histogram()
        self.arrivals = dict.fromkeys(_ARRIVALS, 0)
        self.response = Histogram()
        self.lag = Histogram()
        self.names: dict[str, _Name] = {}
        self.errors: dict[str, dict] = {}
        self.failures: dict[str, dict] = {}

    def packed(self) -> dict:
        fields = {
            "iterations": {"started": sum(self.iterations.values()), **self.iterations,
                           **({"cut_off": self.cut_off} if self.cut_off else {})},
            "service": self.service.packed(),
            "names": {name: entry.packed() for name, entry in sorted(self.names.items())},
            **self.grouped.packed(), "errors": self.errors, "failures": self.failures,
        }
        if any(self.arrivals.values()):
            fields["arrivals"] = {key: count for key, count in self.arrivals.items() if count or key != "cancelled"}
        for key, histogram in (("response", self.response), ("schedule_lag", self.lag)):
            if histogram.count:
                fields[key] = histogram.packed()
        return fields


class _Second:
    """What was counted in one second of the run since the last batch."""

    def __init__(self, families: dict[str, Family]) -> None:
        self._families = families
        self.all = _Sums(families)
        self._warm_up: _Sums | None = None
        self.hits: list[dict] = []

    def sums(self, is_warm_up: bool) -> _Sums:
        """What is counted of the warm-up, or after it."""
        if not is_warm_up:
            return self.all
        self._warm_up = self._warm_up or _Sums(self._families)
        return self._warm_up

    def packed(self) -> dict:
        fields = self.all.packed()
        if self._warm_up is not None:
            fields["warm_up"] = {**self._warm_up.packed(), "health": _NO_HEALTH, "users": 0}
        if self.hits:
            fields["hits"] = _columns(self.hits)
        return fields


class Measure:
    """What was measured since the last batch, each second of the run apart."""

    def __init__(self, max_names: int = 1000, raw_hits: bool = False, users: int = 0) -> None:
        self.raw_hits = raw_hits
        self.users = users
        #: Whether the program was told to end: what it cancels from then on is not the target's doing.
        self.is_stopped = False
        self._family = Family(max_names)
        self._kinds = {key: Family(max_names) for key in ("step", "check", "metric")}
        self._families = [self._family, *self._kinds.values()]
        self._seconds: dict[int, _Second] = {}
        #: How far the batches so far reach.
        self._reach = 0.0
        #: Seconds from the start to the end of the last iteration that was reported.
        self.last_end = 0.0
        #: Iterations and hits so far.
        self.totals = [0, 0]
        self._waiting_hits = 0
        self._waiting_text = 0
        self._dropped = 0

    def take(self, record: dict, now: float) -> str | None:
        """Adds one object that the program wrote.

        - `now`: seconds since the start of the run.

        Returns the text of a note, which is not for the batch. Raises BadResult.
        """
        is_warm_up = record.get("warm_up") is True
        try:
            if isinstance(record.get("iteration"), dict):
                self._iteration(self._at(now).sums(is_warm_up), record["iteration"], now)
            elif record.get("ms") is not None or record.get("error") is not None:
                self._hit(is_warm_up, record, now)
            elif isinstance(record.get("failure"), dict):
                self._failure(self._at(now).sums(is_warm_up), record["failure"], now)
            elif any(isinstance(record.get(kind), dict) for kind in self._kinds):
                self._at(now).sums(is_warm_up).grouped.take(record, now)
            elif isinstance(record.get("arrivals"), dict):
                self._arrivals(self._at(now).sums(is_warm_up), record["arrivals"])
            elif record.get("users") is not None:
                self.users = _count(record["users"])
            elif record.get("note") is not None:
                return str(record["note"])
            else:
                raise BadResult("neither a hit nor an iteration, a step, a check, a metric, a failure, a note or users")
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise error if isinstance(error, BadResult) else BadResult(f"{type(error).__name__}: {error}") from None
        return None

    def _at(self, time: float) -> _Second:
        """Where what happened then, in seconds since the start of the run, is counted."""
        second = int(time)
        if second not in self._seconds:
            if len(self._seconds) >= SECONDS:
                return self._seconds[max(self._seconds)]
            self._seconds[second] = _Second(self._kinds)
        return self._seconds[second]

    def _iteration(self, sums: _Sums, iteration: dict, now: float) -> None:
        outcome = iteration.get("outcome", "ok")
        if outcome not in _OUTCOMES:
            raise BadResult(f"an iteration's outcome is none of {', '.join(_OUTCOMES)}")
        times = [(histogram, _nanoseconds(iteration[key])) for key, histogram in
                 (("ms", sums.service), ("response_ms", sums.response)) if iteration.get(key) is not None]
        sums.iterations[outcome] += 1
        self.totals[0] += 1
        # Before anybody has stopped the run it is one that was cut off at the end of the grace, and has taken so long at least. How
        # long another one would have taken is not known.
        is_cut_off = outcome == "interrupted" and not self.is_stopped
        sums.cut_off += is_cut_off
        for histogram, time in times if outcome != "interrupted" or is_cut_off else []:
            histogram.record(time)
        if isinstance(iteration.get("failure"), dict):
            self._failure(sums, iteration["failure"], now)
        self.last_end = max(self.last_end, now)

    def _arrivals(self, sums: _Sums, arrivals: dict) -> None:
        counts = {key: _count(arrivals.get(key) or 0) for key in _ARRIVALS}
        lags = [_nanoseconds(lag) for lag in arrivals.get("lag_ms") or []]
        for key, count in counts.items():
            sums.arrivals[key] += count
        for lag in lags:
            sums.lag.record(lag)

    def _failure(self, sums: _Sums, failure: dict, now: float) -> None:
        _occurred(sums.failures, str(failure.get("at") or "scenario"), now, str(failure.get("message") or ""))

    def _hit(self, is_warm_up: bool, hit: dict, now: float) -> None:
        latency = _nanoseconds(hit.get("ms") or 0)
        # Without a time it has ended just now.
        time = now - latency / 1e9 if hit.get("t") is None else float(hit["t"])
        if not time <= 1e8:
            raise BadResult("t is seconds since the start of the run")
        time = max(0.0, time)
        status = hit.get("status") or None
        if status is not None and not 0 <= int(status) <= 999:
            raise BadResult("a status is from 0 to 999")
        error = sample = hit.get("error")
        if isinstance(error, dict):
            error, sample = str(error.get("kind") or "error"), error.get("message") or error.get("kind")
        url = str(hit.get("url") or "")
        method = str(hit.get("method") or ("GET" if url else ""))
        if not (url or hit.get("name")):
            raise BadResult("a hit has a name or a url")
        name = self._family.name(text(hit.get("name") or f"{method} {urlsplit(url).path or '/'}", 1000))
        requests = _count(1 if hit.get("requests") is None else hit["requests"])
        received = _count(hit.get("bytes") or 0)
        sent = _count(hit.get("bytes_sent") or 0)
        phases = [(phase, _nanoseconds(milliseconds)) for phase, milliseconds in (hit.get("phases") or {}).items()
                  if phase in _PHASES and milliseconds is not None]
        # Its clock may be wrong, but by now it has ended.
        end = now if hit.get("t") is None else min(time + latency / 1e9, now)
        second = self._at(end)
        sums = second.sums(is_warm_up)
        entry = sums.names.setdefault(name, _Name())
        self.totals[1] += 1
        if self.is_stopped and error == "cancelled":
            entry.cancelled += 1
        else:
            entry.count += 1
            entry.failed += error is not None or (status is not None and int(status) >= 400)
            entry.requests += requests
            entry.received += received
            entry.sent += sent
            entry.latency.record(latency)
            if status is not None:
                entry.status[int(status)] = entry.status.get(int(status), 0) + 1
            for phase, time_of_it in phases:
                entry.phases.setdefault(phase, Histogram()).record(time_of_it)
            if error is not None:
                _occurred(sums.errors, str(error), end, str(sample))
        if not self.raw_hits:
            return
        url, error = text(url), None if error is None else text(error, 1000)
        length = len(url.encode()) + len((error or "").encode())
        if self._waiting_hits >= HITS or self._waiting_text + length > HIT_TEXT:
            self._dropped += 1
            return
        self._waiting_hits += 1
        self._waiting_text += length
        second.hits.append({
            "t": time, "user": _count(hit.get("user") or 0), "iteration": _count(hit.get("iteration") or 0),
            "name": name, "method": method, "url": url, "status": None if status is None else int(status),
            "ms": latency / 1e6, "bytes": received, "requests": requests,
            "error": error,
        })

    def batches(self, now: float, cpu: float = 0.0, resident: int = 0, is_last: bool = False) -> list[bytes]:
        """Everything since the last call as `batch` messages, none of which reaches over the end of a second; begins anew.

        At least one: the last of them ends now. What came late, for seconds that are over, comes first.

        - `now`: seconds since the start of the run.
        - `cpu`, `resident`: seconds of CPU and the most bytes resident of the program so far.
        - `is_last`: nothing more comes: what belongs to a later second does not stay.
        """
        end = max(now, self._reach)
        second = int(self._reach)
        cuts = [(float(late), late + 1.0, self._seconds.pop(late)) for late in sorted(self._seconds) if late < second]
        while True:
            until = min(end, second + 1.0)
            cuts.append((self._reach, until, self._seconds.pop(second, None)))
            self._reach = until
            second += 1
            if until >= end:
                break
        if is_last:
            cuts += [(float(later), float(later), self._seconds.pop(later)) for later in sorted(self._seconds)]
        packed = []
        for place, (since, until, counted) in enumerate(cuts):
            health = _NO_HEALTH
            if place == len(cuts) - 1:
                health = {**_NO_HEALTH, "cpu_s": cpu, "peak_rss_bytes": resident, "dropped_hits": self._dropped,
                          "overflowed_names": sum(family.overflowed for family in self._families)}
            fields = (counted or _Second(self._kinds)).packed()
            packed.append(message("batch", from_s=since, to_s=until, health=health, users=self.users, **fields))
        # What belongs to seconds to come stays.
        waiting = [hit for counted in self._seconds.values() for hit in counted.hits]
        self._waiting_hits = len(waiting)
        self._waiting_text = sum(len((hit["url"] + (hit["error"] or "")).encode()) for hit in waiting)
        self._dropped = 0
        return packed


def until_next(now: float, interval: float) -> float:
    """Seconds until the next batch: they end at multiples of the interval in each second of the run, and with the second."""
    second = int(now)
    left = min(second + 1.0, second + (int((now - second) / interval) + 1) * interval) - now
    # A timer may be a little early.
    return left if left > 0.001 else left + interval


def _occurred(groups: dict[str, dict], key: str, at: float, sample: str) -> None:
    key, sample = key[:1000], sample[:4000]
    if key not in groups and len(groups) >= GROUPS:
        key = OTHER
    group = groups.setdefault(key, {"count": 0, "first_s": at, "last_s": at, "sample": sample})
    group["count"] += 1
    if at < group["first_s"]:
        group["first_s"], group["sample"] = at, sample
    group["last_s"] = max(group["last_s"], at)


def _columns(hits: list[dict]) -> dict:
    """Hits in columns, their strings as numbers into one table."""
    places: dict[str, int] = {}

    def place(text: str | None) -> int | None:
        return None if text is None else places.setdefault(text, len(places))

    columns = {
        key: [place(hit[key]) if key in ("name", "method", "url", "error") else hit[key] for hit in hits]
        for key in ("t", "user", "iteration", "name", "method", "url", "status", "ms", "bytes", "requests", "error")
    }
    return {"strings": list(places), **columns}


def _nanoseconds(milliseconds: object) -> int:
    value = float(milliseconds)  # type: ignore[arg-type]
    if not 0 <= value < 9e12:
        raise BadResult("ms is a number of at least 0")
    return round(value * 1e6)


def _count(value: object) -> int:
    number = int(value)  # type: ignore[call-overload]
    if not 0 <= number <= 1 << 42:
        raise BadResult(f"{number}: not a count")
    return number
