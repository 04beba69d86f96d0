"""Steps, checks and metrics: what a program of the dialect `lines` reports beside its hits (Docs/RunnerProtocol.md)."""

from __future__ import annotations

from .histogram import Histogram

OTHER = "(other)"
KINDS = ("counter", "gauge", "rate", "trend")
#: Values beyond it, either way, are refused; those of a trend are from 0 to the second.
LIMIT = 1e15
TREND_LIMIT = 9e12
_SPECIAL = frozenset('{}=,"\\()')


class BadResult(ValueError):
    """What the program wrote is no result."""


def tagged(name: str, tags: dict[str, str]) -> str:
    """A name with its tags in the order of their keys: `checkout{plan=pro,region="a b"}`."""
    def part(text: str) -> str:
        if text and not any(character in _SPECIAL or character <= " " for character in text):
            return text
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    return name + "{" + ",".join(f"{part(key)}={part(tags[key])}" for key in sorted(tags)) + "}" if tags else name


class Family:
    """Names of one kind of thing that are kept apart; further ones are counted together."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: set[str] = set()
        self._overflowed: set[str] = set()

    @property
    def overflowed(self) -> int:
        return len(self._overflowed)

    def name(self, name: str, other: str = OTHER) -> str:
        if name in self._known:
            return name
        if len(self._known) >= self._limit:
            if len(self._overflowed) < 100_000:
                self._overflowed.add(name)
            return other
        self._known.add(name)
        return name


class Grouped:
    """What was counted since the last batch."""

    def __init__(self, families: dict[str, Family]) -> None:
        """`families`: of `step`, `check` and `metric`."""
        self._families = families
        self._clear()

    def _clear(self) -> None:
        self._steps: dict[str, tuple[list[int], Histogram]] = {}
        self._checks: dict[str, dict] = {}
        self._metrics: dict[str, dict] = {}

    def take(self, record: dict, now: float) -> bool:
        """Adds a step, a check or a metric. Returns whether the record is one. Raises BadResult."""
        for key in self._families:
            if isinstance(record.get(key), dict):
                getattr(self, f"_{key}")(record[key], now)
                return True
        return False

    def _step(self, step: dict, now: float) -> None:
        name, milliseconds = _name(step), step.get("ms")
        failed = _bool(step, "failed", False)
        if isinstance(milliseconds, bool) or not isinstance(milliseconds, (int, float)) or not 0 <= milliseconds < 9e12:
            raise BadResult("a step needs its ms, a number of at least 0")
        counts, duration = self._steps.setdefault(self._families["step"].name(name), ([0, 0], Histogram()))
        counts[0] += 1
        counts[1] += failed
        duration.record(round(milliseconds * 1e6))

    def _check(self, check: dict, now: float) -> None:
        name, passed = _name(check), _bool(check, "passed", None)
        counts = self._checks.setdefault(self._families["check"].name(name), {"passed": 0, "failed": 0})
        counts["passed" if passed else "failed"] += 1

    def _metric(self, metric: dict, now: float) -> None:
        name, kind, value = _name(metric), metric.get("kind"), metric.get("value")
        unit = metric.get("unit") or ""
        if kind not in KINDS:
            raise BadResult(f"a metric's kind is one of {', '.join(KINDS)}")
        if value is None and kind == "counter":
            value = 1
        if not isinstance(value, (int, float)) or not isinstance(unit, str):
            raise BadResult("a metric needs a value: a number, of a rate true or false; a unit is a text")
        if kind == "rate" and value not in (0, 1):
            raise BadResult("the value of a rate is true or false")
        family = self._families["metric"]
        kept = family.name(_apart(self._metrics, name, kind, unit), f"{OTHER} ({kind})")
        if kept not in self._metrics:
            self._metrics[kept] = _empty(kind, unit)
        self._record(self._metrics[kept], float(value), now)

    @staticmethod
    def _record(into: dict, value: float, now: float) -> None:
        low, high = (0.0, TREND_LIMIT) if into["kind"] == "trend" else (-LIMIT, LIMIT)
        if not low <= value <= high:
            into["refused"] += 1
            return
        one = {**into, "count": 1, "sum": value, "min": value, "max": value, "last": value, "last_s": now, "refused": 0}
        if into["kind"] == "trend":
            into["trend"].record(round(value * 1e6))
        _sums(into, one)

    def packed(self) -> dict:
        """The fields of a batch; begins the next. Those that there are none of are left out."""
        fields = {
            "steps": {name: {"count": counts[0], "failed": counts[1], "duration": duration.packed()}
                      for name, (counts, duration) in sorted(self._steps.items())},
            "checks": dict(sorted(self._checks.items())),
            "metrics": {name: {**metric, "trend": metric["trend"].packed()} if metric["kind"] == "trend" else metric
                        for name, metric in sorted(self._metrics.items())},
        }
        self._clear()
        return {key: value for key, value in fields.items() if value}


def _empty(kind: str, unit: str) -> dict:
    metric = {"kind": kind, "unit": unit, "count": 0, "sum": 0.0, "min": 0.0, "max": 0.0, "last": 0.0, "last_s": 0.0,
              "refused": 0}
    return {**metric, "trend": Histogram()} if kind == "trend" else metric


def _apart(known: dict, name: str, kind: str, unit: str) -> str:
    """The name, or one beside it when that one holds something of another kind or unit."""
    there = known.get(name)
    if there is None or (there["kind"], there.get("unit") or "") == (kind, unit):
        return name
    return f"{name} ({kind}, {unit})" if unit else f"{name} ({kind})"


def _name(fields: dict) -> str:
    name, tags = fields.get("name"), fields.get("tags")
    if not isinstance(name, str) or not name:
        raise BadResult("steps, checks and metrics have a name")
    if tags is None:
        return name[:1000]
    if not isinstance(tags, dict) or not all(isinstance(value, (str, int)) for value in tags.values()):
        raise BadResult("tags are a map of texts, whole numbers, true or false")
    return tagged(name, {
        str(key): str(value).lower() if isinstance(value, bool) else str(value) for key, value in tags.items()})[:1000]


def _bool(fields: dict, key: str, default: bool | None) -> bool:
    value = default if fields.get(key) is None else fields[key]
    if not isinstance(value, bool):
        raise BadResult(f"{key}: neither true nor false")
    return value


# Batches of runners, added up.

def merge(into: dict, other: dict, add_histograms) -> None:
    """Adds the steps, checks and metrics of a batch to another's. `add_histograms` adds two that are packed."""
    for key in ("steps", "checks", "metrics"):
        if other.get(key):
            into[key] = into.get(key) or {}
    for name, step in (other.get("steps") or {}).items():
        known = into["steps"].setdefault(name, step)
        if known is not step:
            known["count"] += step["count"]
            known["failed"] += step["failed"]
            known["duration"] = add_histograms(known["duration"], step["duration"])
    for name, counts in (other.get("checks") or {}).items():
        known = into["checks"].setdefault(name, counts)
        if known is not counts:
            known["passed"] += counts["passed"]
            known["failed"] += counts["failed"]
    for name, metric in (other.get("metrics") or {}).items():
        kept = _apart(into["metrics"], name, metric["kind"], metric.get("unit") or "")
        known = into["metrics"].setdefault(kept, metric)
        if known is not metric:
            if metric["kind"] == "trend":
                known["trend"] = add_histograms(known.get("trend"), metric.get("trend"))
            _sums(known, metric)


def _sums(into: dict, other: dict) -> None:
    if into.get("refused") or other.get("refused"):
        into["refused"] = (into.get("refused") or 0) + (other.get("refused") or 0)
    if not other["count"]:
        return
    first = into["count"] == 0
    into["min"] = other["min"] if first else min(into["min"], other["min"])
    into["max"] = other["max"] if first else max(into["max"], other["max"])
    if first or other["last_s"] >= into["last_s"]:
        into["last"], into["last_s"] = other["last"], other["last_s"]
    into["count"] += other["count"]
    into["sum"] += other["sum"]
