import subprocess
import time
import unittest

from tests.support import Runner, Server


def outcomes(records):
    counts = {}
    for record in records:
        if isinstance(record.get("iteration"), dict):
            outcome = record["iteration"]["outcome"]
            counts[outcome] = counts.get(outcome, 0) + 1
    return counts


class RunnerTests(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)

    def plan(self, **fields):
        return {"users": 1, "iterations": 1, "server_url": self.server.url, **fields}

    def test_each_user_does_its_iterations_on_a_connection_of_its_own(self):
        runner = Runner("loads.run(lambda user: user.get('/'))", self.plan(users=5, iterations=4, first_user=34))
        records = runner.rest()
        hits = [record for record in records if "name" in record]
        self.assertEqual({(hit["user"], hit["iteration"]) for hit in hits},
                         {(user, number) for user in range(34, 39) for number in range(4)})
        self.assertEqual(outcomes(records), {"ok": 20})
        self.assertEqual(len(self.server.connections), 5)
        hit = hits[0]
        self.assertEqual((hit["name"], hit["method"], hit["status"], hit["requests"], hit["error"]),
                         ("GET /", "GET", 200, 1, None))
        self.assertGreater(hit["ms"], 0)

    def test_cycles_follow_one_another_and_iterations_are_counted_on(self):
        cycles = [{"users": 1, "iterations": 2}, {"users": 2, "iterations": 1}]
        records = Runner("loads.run(lambda user: None)", {"cycles": cycles}).rest()
        done = [(record["iteration"]["user"], record["iteration"]["number"]) for record in records
                if "ms" in record.get("iteration", {})]
        self.assertEqual(sorted(done), [(0, 0), (0, 1), (0, 2), (1, 0)])

    def test_what_a_scenario_raises_is_a_failure_at_its_line(self):
        code = "def scenario(user):\n    if user.iteration == 1: raise loads.Skip\n    assert user.iteration, 'zero'\n"
        records = Runner(code + "loads.run(scenario)", self.plan(iterations=3)).rest()
        self.assertEqual(outcomes(records), {"failed": 1, "skipped": 1, "ok": 1})
        failure = next(record["failure"] for record in records if "failure" in record)
        self.assertEqual(failure["message"], "AssertionError: zero")
        self.assertEqual(failure["at"], "<string>:5")

    def test_a_redirect_is_one_hit_of_two_requests_and_cookies_last_for_the_iteration(self):
        code = "def scenario(user):\n    user.get('/redirect'); user.get('/cookie'); user.get('/')\n"
        records = Runner(code + "loads.run(scenario)", self.plan(iterations=2)).rest()
        hits = [record for record in records if "name" in record]
        self.assertEqual([hit["requests"] for hit in hits], [2, 1, 1] * 2)
        self.assertEqual(self.server.cookies, [None, None, None, "id=7"] * 2)

    def test_a_server_that_is_not_there_is_a_hit_with_an_error(self):
        records = Runner("loads.run(lambda user: user.get('http://127.0.0.1:1/'))", self.plan(iterations=2)).rest()
        hits = [record for record in records if "name" in record]
        self.assertEqual([(hit["error"], hit["status"]) for hit in hits], [("connect", None)] * 2)
        self.assertEqual(outcomes(records), {"failed": 2})

    def test_bytes_are_those_on_the_connection_heads_included(self):
        code = ("def scenario(user):\n"
                "    user.get('/redirect'); user.post('/', json={'a': 1}, headers={'Long': 'x' * 100}); user.get('/')\n")
        records = Runner(code + "loads.run(scenario)", self.plan(iterations=2)).rest()
        hits = [record for record in records if "name" in record]
        sent = [hit["bytes_sent"] for hit in hits]
        self.assertEqual(sum(sent), sum(self.server.received))
        self.assertEqual(sum(hit["bytes"] for hit in hits), sum(self.server.sent))
        self.assertEqual(sent[:3], sent[3:], "and the same on a connection that was used before")
        self.assertGreater(sent[1], 100 + len('{"a": 1}'))

    def test_steps_checks_and_metrics_are_written_with_their_tags(self):
        code = """def scenario(user):
    with user.step('buy', plan='pro', n=3):
        assert user.check('has token', 1) and not user.check('is rich', None, where='here')
    with user.step('look'): pass
    user.metric('orders')
    user.metric('cart', 19.9, kind='trend', unit='EUR')
    with user.step('break'): raise ValueError
"""
        records = Runner(code + "loads.run(scenario)", {"users": 1, "iterations": 1}).rest()
        steps = [record["step"] for record in records if "step" in record]
        self.assertEqual([(step["name"], step["failed"], step.get("tags")) for step in steps],
                         [("buy", True, {"plan": "pro", "n": 3}), ("look", False, None), ("break", True, None)])
        self.assertTrue(all(step["ms"] >= 0 for step in steps))
        self.assertEqual([record["check"] for record in records if "check" in record],
                         [{"name": "has token", "passed": True},
                          {"name": "is rich", "passed": False, "tags": {"where": "here"}}])
        self.assertEqual([record["metric"] for record in records if "metric" in record],
                         [{"name": "orders", "kind": "counter", "value": 1},
                          {"name": "cart", "kind": "trend", "value": 19.9, "unit": "EUR"}])

    def test_a_status_of_404_is_a_response(self):
        records = Runner("loads.run(lambda user: user.get('/gone'))", self.plan()).rest()
        self.assertEqual([record["status"] for record in records if "name" in record], [404])
        self.assertEqual(outcomes(records), {"ok": 1})

    def test_a_stop_lets_the_running_iteration_end(self):
        code = "def scenario(user):\n    user.note('in'); time.sleep(1)\n"
        runner = Runner(code + "loads.run(scenario)", {"users": 1, "duration_s": 600})
        records = runner.records()
        next(record for record in records if "note" in record)
        runner.tell({"stop": {"grace_s": 60}})
        rest = runner.rest()
        # On a slow machine another one may have begun before the stop was read; of 600 s there would be hundreds.
        begun = 1 + sum("note" in record for record in rest)
        self.assertEqual(outcomes(rest), {"ok": begun})
        self.assertLess(begun, 60)

    def test_an_abort_cuts_a_request_short(self):
        code = "def scenario(user):\n    user.note('in'); user.get('/slow')\n"
        runner = Runner(code + "loads.run(scenario)", self.plan(users=2, iterations=1000))
        records = runner.records()
        next(record for record in records if "note" in record)
        while len(self.server.requests) < 2:
            time.sleep(0.01)
        runner.tell({"abort": {}})
        rest = runner.rest()
        self.assertEqual(outcomes(rest), {"interrupted": 2})
        # The agent does not count them against the server.
        self.assertEqual([record["error"] for record in rest if "name" in record], ["cancelled"] * 2)

    def test_the_end_of_standard_input_stops(self):
        runner = Runner("loads.run(lambda user: user.sleep(0.01))", {"users": 1, "duration_s": 60})
        next(record for record in runner.records() if "iteration" in record)
        runner.process.stdin.close()
        list(runner.records())
        self.assertEqual(runner.process.wait(60), 0)
        runner.close()

    def test_users_are_added_and_taken_away_at_the_instant_that_is_told(self):
        runner = Runner("loads.run(lambda user: user.sleep(0.01))", {"users": 2, "duration_s": 60})
        records = runner.records()
        next(record for record in records if record.get("users") == 2)
        runner.tell({"adjust": {"users": 4, "at_s": 0.1, "first_new_user": 10}})
        next(record for record in records if record.get("users") == 4)
        runner.tell({"adjust": {"users": 1, "at_s": 0}})
        next(record for record in records if record.get("users") == 1)
        runner.tell({"stop": {"grace_s": 10}})
        runner.rest()

    CODE = """def scenario(user):
    assert user.value == {'token': 'a'}, user.value
def up(once):
    assert once.get('/').ok
    return {'token': 'a'}
def down(once):
    once.get('/' + (once.value or {}).get('token', 'none'))
loads.run(scenario, set_up=up, tear_down=down)
"""

    def test_what_the_set_up_returns_is_every_users_value(self):
        runner = Runner(self.CODE, None, first={"set_up": {"seed": 7, "limit_s": 60, "server_url": self.server.url}})
        self.assertEqual(runner.rest(), [{"value": {"token": "a"}}])
        runner = Runner(self.CODE, None, first={"plan": self.plan(users=2), "value": {"token": "a"}})
        self.assertEqual(outcomes(runner.rest()), {"ok": 2})
        Runner(self.CODE, None, first={"tear_down": {"server_url": self.server.url}, "value": {"token": "a"}}).rest()
        self.assertEqual(self.server.requests, ["/", "/a"])

    def test_a_set_up_that_raises_ends_badly(self):
        runner = Runner("loads.run(print, set_up=lambda once: 1 / 0)", None, first={"set_up": {}}, stderr=subprocess.DEVNULL)
        self.assertEqual(list(runner.records()), [])
        self.assertEqual(runner.process.wait(60), 1)
        runner.close()

    def test_a_duration_ends_by_itself(self):
        records = Runner("loads.run(lambda user: user.sleep(0.05))", {"users": 1, "duration_s": 2}).rest()
        self.assertIn("ok", outcomes(records))


if __name__ == "__main__":
    unittest.main()
