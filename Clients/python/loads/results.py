"""Writes what a runner measures to the descriptor that its agent reads: one JSON object a line."""

from __future__ import annotations

import json
import os
import threading


class Results:
    """A writer with a thread of its own, so that users do not wait for the pipe.

    Nothing is ever dropped: when the agent has not read for so long that `limit` bytes wait, users wait too.
    """

    def __init__(self, descriptor: int, limit: int = 8 << 20, on_gone=lambda: None) -> None:
        self._descriptor = descriptor
        self._limit = limit
        self._on_gone = on_gone
        self._condition = threading.Condition()
        self._lines: list[bytes] = []
        self._waiting = 0
        self._closing = False
        self._gone = False
        self._thread = threading.Thread(target=self._write, name="loads-results", daemon=True)
        self._thread.start()

    def put(self, record: dict) -> None:
        """Takes one object. What cannot be written any more because the agent is gone is forgotten."""
        line = json.dumps(record, separators=(",", ":"), default=str).encode() + b"\n"
        with self._condition:
            while self._waiting > self._limit and not self._gone:
                self._condition.wait()
            self._lines.append(line)
            self._waiting += len(line)
            if self._waiting > 1 << 16:
                self._condition.notify_all()

    def close(self, patience: float = 60.0) -> None:
        """Returns when everything is written, or the agent is gone, or it has not read for so many seconds."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        self._thread.join(patience)

    def _write(self) -> None:
        while True:
            with self._condition:
                # Half of a batch's interval: lines gather, and still reach the batch that they belong to.
                if not self._closing and self._waiting <= 1 << 16:
                    self._condition.wait(0.05)
                lines, self._lines = self._lines, []
                self._waiting = 0
                over = self._closing and not lines
                self._condition.notify_all()
            if over:
                break
            try:
                data = memoryview(b"".join(lines))
                while data:
                    data = data[os.write(self._descriptor, data):]
            except OSError:
                with self._condition:
                    self._gone = True
                    self._condition.notify_all()
                self._on_gone()
                break
        os.close(self._descriptor)


class Printed:
    """What takes the place of `Results` when nobody loads: prints what happens, for a person who tries a scenario."""

    #: Whether the iteration failed.
    failed = False

    def put(self, record: dict) -> None:
        if "name" in record:
            result = record["error"] or record["status"]
            print(f"{record['name']:<40} {result}  {record['ms']:.1f} ms  {record['bytes']} bytes", flush=True)
        elif "failure" in record:
            print(f"FAILED at {record['failure']['at']}: {record['failure']['message']}", flush=True)
        elif "note" in record:
            print(record["note"], flush=True)
        elif isinstance(record.get("iteration"), dict):
            self.failed = record["iteration"]["outcome"] == "failed"

    def close(self, patience: float = 60.0) -> None:
        pass
