import hashlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import zmq

from loads.wire import decode, message
from tests.support import ROOT

#: Another agent can be put to the same test.
COMMAND = shlex.split(os.environ.get("LOADS_TEST_AGENT", f"{shlex.quote(sys.executable)} -m loads.agent"))
BOOT = "00000000000000aa"


class Master:
    """Just enough of a master: what comes is decoded, what is said is said to the last peer."""

    def __init__(self):
        self.context = zmq.Context()
        self.control = self.context.socket(zmq.ROUTER)
        self.results = self.context.socket(zmq.PULL)
        self.port = self.control.bind_to_random_port("tcp://127.0.0.1")
        self.results_port = self.results.bind_to_random_port("tcp://127.0.0.1")
        self.peer = None

    def close(self):
        self.context.destroy(linger=0)

    def say(self, kind, **fields):
        self.control.send_multipart([self.peer, message(kind, **fields)])

    def heard(self, kind, condition=lambda fields: True, seconds=20):
        """The next control message of a kind; beats are answered on the way."""
        deadline = time.monotonic() + seconds
        while self.control.poll(max(0, deadline - time.monotonic()) * 1000):
            self.peer, data = self.control.recv_multipart()
            fields = decode(data)
            if fields["type"] == "beat":
                self.say("lease", sent_ns=time.monotonic_ns(), batch_interval_ns=100_000_000)
            if fields["type"] == kind and condition(fields):
                return fields
        raise AssertionError(f"no {kind} within {seconds} s")

    def welcome(self):
        hello = self.heard("hello")
        self.say("welcome", boot=BOOT, results_port=self.results_port, stream_port=1, beat_ns=10 ** 9,
                 lease_ns=5 * 10 ** 9, grace_ns=60 * 10 ** 9, sent_ns=1, batch_interval_ns=100_000_000)
        return hello

    def result(self, seconds=20):
        if not self.results.poll(seconds * 1000):
            raise AssertionError("no result")
        return decode(self.results.recv())


class AgentTests(unittest.TestCase):
    def setUp(self):
        self.master = Master()
        self.addCleanup(self.master.close)
        # It is killed, and leaves its temporary directory.
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.process = subprocess.Popen(
            [*COMMAND, "--master", f"tcp://127.0.0.1:{self.master.port}", "--name", "py-1",
             "--labels", "zone=b"], cwd=ROOT, stdout=subprocess.DEVNULL, env={**os.environ, "TMPDIR": directory.name})
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)

    def order(self, program, arguments=(), files=(), **plan):
        launch = {"path": program, "arguments": list(arguments), "environment": {"WHAT": "value"}, "dialect": "lines",
                  "files": list(files)}
        plan = {"cycles": [{"users": 2, "iterations": 3}], "first_user": 34, **plan}
        order = {"plan": plan, "scenarios": [], "options": {}, "waits": True}
        self.master.say("run", run="r1", launch=launch, order=order)

    def results(self):
        """All results of the run, acknowledged as they come, with their reports decoded."""
        epoch, reports = None, []
        while True:
            result = self.master.result()
            self.assertEqual(result["seq"], len(reports) + 1)
            self.master.say("ack", run="r1", epoch=result["epoch"], seq=result["seq"])
            if "ended" in result:
                return reports, result["ended"]
            reports.append(decode(result["report"]))

    def test_a_run_of_a_shipped_script(self):
        hello = self.master.welcome()
        self.assertEqual((hello["agent"], hello["labels"], hello["runs"]), ("py-1", {"zone": "b"}, []))
        script = b"""#!/bin/sh
read -r plan
printf '{"note":"%s"}\\n' "$WHAT" >&"$LOADS_RESULTS_FD"
for number in 0 1 2; do
    printf '{"t":0.1,"user":34,"iteration":%s,"name":"a","method":"GET","url":"/","status":200,"ms":2}\\n' $number
    printf '{"iteration":{"user":34,"number":%s,"outcome":"ok","ms":3}}\\n' $number
done >&"$LOADS_RESULTS_FD"
"""
        file = {"path": "script.sh", "executable": True, "bytes": len(script),
                "hash": hashlib.sha256(script).hexdigest()}
        self.order("./script.sh", files=[file])
        fetch = self.master.heard("fetch")
        self.assertEqual((fetch["hash"], fetch["offset"], fetch["bytes"]), (file["hash"], 0, len(script)))
        self.master.say("chunk", hash=file["hash"], offset=0, bytes=script)
        self.master.heard("status", lambda fields: fields["state"] == "ready")
        self.master.say("start", run="r1", at_ns=time.monotonic_ns() + 500_000_000)
        reports, end = self.results()
        self.assertEqual((end["state"], end["interrupted"]), ("finished", False))
        self.assertEqual(reports[0]["type"], "started")
        self.assertEqual([report["text"] for report in reports if report["type"] == "note"], ["value"])
        batches = [report for report in reports if report["type"] == "batch"]
        self.assertEqual(sum(batch["names"].get("a", {"count": 0})["count"] for batch in batches), 3)
        self.assertEqual(sum(batch["iterations"]["ok"] for batch in batches), 3)

    def test_a_program_that_is_not_there_is_refused(self):
        self.master.welcome()
        self.order("no-such-program-anywhere")
        refused = self.master.heard("status")
        self.assertEqual((refused["state"], refused["code"]), ("refused", 69))

    def test_a_crash_is_told_with_what_was_printed(self):
        self.master.welcome()
        self.order("sh", ["-c", "read -r plan; echo broken >&2; exit 3"])
        self.master.heard("status", lambda fields: fields["state"] == "ready")
        self.master.say("start", run="r1", at_ns=time.monotonic_ns())
        _, end = self.results()
        self.assertEqual((end["state"], end["reason"], end["output"]), ("crashed", "exit code 3", "broken\n"))

    def test_goodbye(self):
        self.master.welcome()
        self.process.send_signal(signal.SIGTERM)
        self.master.heard("goodbye")
        self.assertEqual(self.process.wait(20), 0)


if __name__ == "__main__":
    unittest.main()
