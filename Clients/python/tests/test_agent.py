import hashlib
import json
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
from tests.support import ROOT, Server

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

    def heard(self, kind, condition=lambda fields: True, seconds=60):
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

    def welcome(self, condition=lambda fields: True):
        hello = self.heard("hello", condition)
        # Beats are answered in `heard` alone: a lease that lasts, however slowly the rest goes.
        self.say("welcome", boot=BOOT, results_port=self.results_port, stream_port=1, beat_ns=10 ** 9,
                 lease_ns=300 * 10 ** 9, grace_ns=600 * 10 ** 9, sent_ns=1, batch_interval_ns=100_000_000)
        return hello

    def result(self, seconds=60):
        if not self.results.poll(seconds * 1000):
            raise AssertionError("no result")
        return decode(self.results.recv())


def hits_of(results):
    """How many hits named `a` each of the batches among some results has."""
    reports = [decode(result["report"]) for result in results]
    return [report["names"].get("a", {"count": 0})["count"] for report in reports if report["type"] == "batch"]


class AgentTests(unittest.TestCase):
    def setUp(self):
        self.master = Master()
        self.addCleanup(self.master.close)
        # It is killed, and leaves its temporary directory.
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.process = self.start()

    def start(self, *options, **given):
        process = subprocess.Popen(
            [*COMMAND, "--master", f"tcp://127.0.0.1:{self.master.port}", "--name", "py-1", "--labels", "zone=b", *options],
            cwd=ROOT, stdout=subprocess.DEVNULL, env={**os.environ, "TMPDIR": self.directory}, text=True, **given)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def order(self, program, arguments=(), files=(), without=(), phase=None, value=None, run="r1", **plan):
        launch = {"path": program, "arguments": list(arguments), "environment": {"WHAT": "value"}, "dialect": "lines",
                  "files": list(files)}
        plan = {"cycles": [{"users": 2, "iterations": 3}], "first_user": 34, **plan}
        for key in without:
            del plan[key]
        order = {"plan": plan, "scenarios": [], "options": {}, "waits": True}
        if phase is not None:
            order.update(phase=phase, has_set_up=True, value=value)
        self.master.say("run", run=run, launch=launch, order=order)

    def results(self, run="r1"):
        """All results of the run, acknowledged as they come, with their reports decoded."""
        reports = []
        while True:
            result = self.master.result()
            # What is not acknowledged for some seconds comes again.
            if result["seq"] <= len(reports):
                continue
            self.assertEqual(result["seq"], len(reports) + 1)
            self.master.say("ack", run=run, epoch=result["epoch"], seq=result["seq"])
            if "ended" in result:
                return reports, result["ended"]
            reports.append(decode(result["report"]))

    def unacknowledged(self, results, is_enough):
        """The results from the first on, in their order: what is not acknowledged for some seconds comes again."""
        while not is_enough(results):
            result = self.master.result()
            if result["seq"] > len(results):
                self.assertEqual(result["seq"], len(results) + 1)
                results.append(result)
        return results

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

    ARRIVALS = {"stages": [{"duration_ns": 0, "rate_uph": 36_000_000_000}, {"duration_ns": 10 ** 9, "rate_uph": 36_000_000_000}],
                "max_users": 4, "queue": 7, "stripe": [0, 1 << 32]}

    def test_a_program_that_knows_arrivals_is_given_them(self):
        self.master.welcome()
        script = """echo '{"knows":["pacing","arrivals","warm_up","tides"]}' >&$LOADS_RESULTS_FD
read -r plan; read -r adjust
printf '{"note":"%s %s"}\\n' "$LOADS_NEEDS" $(echo "$plan$adjust" | grep -c '"rate_uph": *36000000000.*"change"') >&$LOADS_RESULTS_FD
printf '{"arrivals":{"planned":3,"started":2,"dropped":1,"lag_ms":[1,2]},"warm_up":true}\\n' >&$LOADS_RESULTS_FD
printf '{"iteration":{"ms":3,"response_ms":4}}\\n' >&$LOADS_RESULTS_FD
"""
        self.order("sh", ["-c", script], without=["cycles"], arrivals=self.ARRIVALS, warm_up_ns=10 ** 9)
        self.master.heard("status", lambda fields: fields["state"] == "ready")
        at = time.monotonic_ns()
        self.master.say("start", run="r1", at_ns=at)
        self.master.say("adjust", run="r1", users=4, first_new_user=9, at_ns=at,
                        change={"from_ns": 5, "arrivals": self.ARRIVALS})
        reports, end = self.results()
        self.assertEqual(end["state"], "finished", end)
        self.assertEqual([report["text"] for report in reports if report["type"] == "note"], ["arrivals,warm_up 1"])
        batches = [report for report in reports if report["type"] == "batch"]
        apart = [batch["warm_up"]["arrivals"] for batch in batches if "warm_up" in batch]
        self.assertEqual(apart, [{"planned": 3, "started": 2, "dropped": 1}])
        self.assertEqual([batch["response"][0] for batch in batches if "response" in batch], [4_000_000])

    def test_a_program_that_does_not_know_its_model_is_refused_before_the_start(self):
        self.master.welcome()
        for script, said in (('echo \'{"knows":["pacing"]}\' >&$LOADS_RESULTS_FD; sleep 1000', "that it knows pacing"),
                             ("exit 0", "nothing of what it knows")):
            self.order("sh", ["-c", script], without=["cycles"], arrivals=self.ARRIVALS)
            refused = self.master.heard("status")
            self.assertEqual((refused["state"], refused["code"]), ("refused", 64), refused)
            for words in ("--rate: ", "sh -c ", said, '{"knows":["arrivals"]}'):
                self.assertIn(words, refused["message"])
        self.order("sh", without=["cycles"], mix=[])
        self.assertEqual(self.master.heard("status")["code"], 64)

    def test_what_is_done_once_hands_its_value_over(self):
        self.master.welcome()
        for phase, value, script, wanted in (
                ("set_up", None, """read -r line; printf '{"value":{"token":"é","line":%s}}\\n' "$line" >&$LOADS_RESULTS_FD""", None),
                ("tear_down", b'{"token":1}', 'read -r line; case $line in *\'"value"\'*token*) exit 0;; esac; exit 4', b"")):
            self.order("sh", ["-c", script], phase=phase, run=phase, value=value, server_url="http://h", seed=7,
                       cycles=[{"users": 1, "duration_ns": 60 * 10 ** 9}])
            self.master.heard("status", lambda fields: fields["state"] == "ready")
            self.master.say("start", run=phase, at_ns=time.monotonic_ns())
            reports, end = self.results(phase)
            self.assertEqual((end["state"], [report["type"] for report in reports]), ("finished", ["started", "value"]))
            if wanted is None:
                handed = json.loads(reports[1]["value"])
                self.assertEqual((handed["token"], handed["line"]["set_up"]),
                                 ("é", {"seed": 7, "limit_s": 60, "server_url": "http://h"}))
            else:
                self.assertEqual(reports[1]["value"], wanted)

    def test_a_set_up_that_fails_is_a_crash(self):
        self.master.welcome()
        self.order("sh", ["-c", "read -r line; echo closed >&2; exit 3"], phase="set_up",
                   cycles=[{"users": 1, "duration_ns": 60 * 10 ** 9}])
        self.master.heard("status", lambda fields: fields["state"] == "ready")
        self.master.say("start", run="r1", at_ns=time.monotonic_ns())
        reports, end = self.results()
        self.assertEqual((end["state"], end["output"]), ("crashed", "closed\n"))

    def test_a_url_is_requested_by_the_runner_it_brings_along(self):
        server = Server()
        self.addCleanup(server.close)
        hello = self.master.welcome()
        self.assertEqual(hello["built_in"], ["url"])
        launch = {"built_in": "url", "arguments": [], "environment": {}, "dialect": "messages", "files": []}
        options = {"url": [server.url + "/gone"], "method": ["POST"], "header": ["A: 1", "A: 2"], "body": ["four"],
                   "debug": ["1"]}
        plan = {"cycles": [{"users": 2, "iterations": 3}], "first_user": 34}
        order = {"plan": plan, "scenarios": [], "options": options, "waits": True}
        self.master.say("run", run="r1", launch=launch, order=order)
        self.master.heard("status", lambda fields: fields["state"] == "ready")
        self.master.say("start", run="r1", at_ns=time.monotonic_ns())
        reports, end = self.results()
        self.assertEqual(end["state"], "finished")
        batches = [report for report in reports if report["type"] == "batch"]
        self.assertEqual(sum(batch["iterations"]["failed"] for batch in batches), 6)
        self.assertEqual(sum(batch["names"].get("POST /gone", {"failed": 0})["failed"] for batch in batches), 6)
        self.assertEqual(server.bodies, [b"four"] * 6)
        notes = [report["text"] for report in reports if report["type"] == "note"]
        self.assertEqual(len(notes), 1)
        self.assertIn("> A: 1, 2", notes[0])
        self.assertIn("< 404", notes[0])

    def test_a_killed_agent_goes_on_with_what_was_not_acknowledged(self):
        self.process.kill()
        data = self.directory + "/data"
        # By another name than that of the one that was killed, which may have said hello already.
        options, own = ("--data", data, "--id", "kept"), lambda fields: fields["agent"] == "kept"
        agent = self.start(*options)
        epoch = self.master.welcome(own)["epoch"]
        hit = '{"name":"a","ms":1}'
        self.order("sh", ["-c", f"read -r plan; echo '{hit}' >&3; read -r stop"])
        self.master.heard("status", lambda fields: fields["state"] == "ready")
        self.master.say("start", run="r1", at_ns=time.monotonic_ns())
        first = self.unacknowledged([], lambda results: len(results) >= 5 and sum(hits_of(results)) == 1)
        agent.kill()
        agent.wait()
        while self.master.results.poll(200):
            result = decode(self.master.results.recv())
            if result["seq"] == len(first) + 1:
                first.append(result)

        agent = self.start(*options)
        hello = self.master.welcome(own)
        self.assertEqual(hello["epoch"], epoch)
        [run] = hello["runs"]
        self.assertEqual((run["run"], run["running"]), ("r1", False))
        self.assertGreaterEqual(run["seq"], len(first))
        again = self.unacknowledged([], lambda results: len(results) == run["seq"])
        self.assertEqual(again[:len(first)], first)
        self.assertEqual(sum(hits_of(again)), 1)
        # The master has stored more than the disk has kept: the end goes behind it.
        self.master.say("ack", run="r1", epoch=epoch, seq=run["seq"] + 2)
        while "ended" not in (end := self.master.result()):
            pass
        self.assertEqual((end["seq"], end["ended"]["state"], end["ended"]["unreported_hits"]), (run["seq"] + 3, "crashed", 0))
        self.master.say("ack", run="r1", epoch=epoch, seq=end["seq"])
        self.master.say("error", code="not-welcome", message="again")
        # One that it has said again before it was welcome may come first.
        self.master.heard("hello", lambda fields: fields["runs"] == [])

    def test_a_data_directory_is_one_agents_alone(self):
        data = self.directory + "/data"
        self.start("--data", data)
        self.master.heard("hello", lambda fields: os.path.exists(data + "/lock"))
        second = self.start("--data", data, stderr=subprocess.PIPE)
        self.assertIn("another agent uses this directory", second.communicate(timeout=60)[1])
        self.assertNotEqual(second.returncode, 0)

    def test_told_to_end_it_stops_its_runner_gracefully(self):
        self.master.welcome()
        self.order("sh", ["-c", "read -r plan; read -r told; echo '{\"iteration\":{}}' >&3"])
        self.master.heard("status", lambda fields: fields["state"] == "ready")
        self.master.say("start", run="r1", at_ns=time.monotonic_ns())
        self.master.result()
        self.process.send_signal(signal.SIGTERM)
        while "ended" not in (result := self.master.result()):
            pass
        self.assertEqual((result["ended"]["state"], result["ended"]["interrupted"]), ("finished", True))
        self.master.say("ack", run="r1", epoch=result["epoch"], seq=result["seq"])
        self.master.heard("goodbye")
        self.assertEqual(self.process.wait(60), 0)

    def test_goodbye(self):
        self.master.welcome()
        self.process.send_signal(signal.SIGTERM)
        self.master.heard("goodbye")
        self.assertEqual(self.process.wait(60), 0)

class NeedsTests(unittest.TestCase):
    def test_what_is_not_installed_is_named_with_the_command_that_installs_it(self):
        # -S and -I: neither the packages of this Python nor PYTHONPATH.
        code = f"import runpy, sys; sys.path.insert(0, {str(ROOT)!r}); runpy.run_module('loads.agent', run_name='__main__')"
        outcome = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
        self.assertEqual(outcome.returncode, 69, outcome.stderr)
        self.assertIn("-m pip install pyzmq msgpack", outcome.stderr)
        self.assertIn("apt-get install python3-zmq python3-msgpack", outcome.stderr)
        self.assertNotIn("Traceback", outcome.stderr)


if __name__ == "__main__":
    unittest.main()
