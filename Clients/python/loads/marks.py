"""What a scenario measures of its own, beside its requests: steps, checks, metrics."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import Callable, Iterator


class Marks:
    """Mixed into `User`. Tags are texts, whole numbers or bools; they become a part of the name."""

    def __init__(self, put: Callable[[dict], None], *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self._put = put
        #: Whether this iteration counts as failed, whatever else happens.
        self.had_failure = False
        #: How many checks or expectations have failed.
        self._misses = 0

    @contextlib.contextmanager
    def step(self, name: str, **tags: str | int | bool) -> Iterator[None]:
        """Times a transaction: `with user.step("checkout"): …`. It failed when something was raised, a check in it did not
        hold or `fail` was called."""
        start, misses, failed = time.perf_counter(), self._misses, True
        try:
            yield
            failed = self._misses > misses
        finally:
            milliseconds = (time.perf_counter() - start) * 1000
            self._mark("step", tags, name=name, ms=milliseconds, failed=failed)

    def check(self, name: str, passed: object, **tags: str | int | bool) -> bool:
        """Counts whether something held, which fails no iteration. Returns whether it did."""
        held = bool(passed)
        self._misses += not held
        self._mark("check", tags, name=name, passed=held)
        return held

    def metric(self, name: str, value: float | bool = 1, kind: str = "counter", unit: str = "",
               **tags: str | int | bool) -> None:
        """Records a value of the scenario's own. `kind`: counter, gauge, rate (of bools) or trend (percentiles of numbers
        from 0 on; times in milliseconds with the unit `ms`)."""
        self._mark("metric", tags, name=name, kind=kind, value=value, **({"unit": unit} if unit else {}))

    def fail(self, message: str, at: str | None = None) -> None:
        """Reports a failure and goes on: the iteration counts as failed."""
        self.had_failure = True
        self._misses += 1
        self._put({"failure": {"at": at or _place(1), "message": message}})

    def _mark(self, key: str, tags: dict, **fields: object) -> None:
        self._put({key: {**fields, "tags": tags} if tags else fields})


def _place(depth: int) -> str:
    frame = sys._getframe(depth + 1)
    return f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"
