"""A runner's load models, as programs. Nothing here depends on how fast a machine is."""

import time
import unittest

from tests.support import Runner

SECOND = 10 ** 9


def rate(per_second, seconds, **more):
    stages = [{"duration_ns": 0, "rate_uph": per_second * 3_600_000_000},
              {"duration_ns": round(seconds * SECOND), "rate_uph": per_second * 3_600_000_000}]
    return {"stages": stages, "max_users": 50, "queue": 1000, **more}


def sums(records, warm_up=False):
    """What the arrivals of all lines come to, and their lags."""
    lines = arrivals(records, warm_up)
    counts = tuple(sum(line[key] for line in lines) for key in ("planned", "started", "dropped"))
    return counts, [lag for line in lines for lag in line["lag_ms"]]


def arrivals(records, warm_up=False):
    return [record["arrivals"] for record in records if "arrivals" in record and record.get("warm_up", False) == warm_up]


def cancelled(records):
    return sum(line.get("cancelled", 0) for line in arrivals(records))


def iterations(records):
    return [record["iteration"] for record in records if "outcome" in (record.get("iteration") or {})]


class ArrivalTests(unittest.TestCase):
    def test_it_says_what_it_knows_before_it_has_a_plan(self):
        runner = Runner("loads.run(lambda user: None)", {"users": 1, "iterations": 1})
        self.assertEqual(runner.knows, ["arrivals", "user_stages", "pacing", "think", "warm_up"])
        runner.rest()

    def test_every_arrival_becomes_an_iteration(self):
        records = Runner("loads.run(lambda user: user.sleep(0.002))", {"arrivals": rate(200, 0.5), "first_user": 70}).rest()
        counts, lags = sums(records)
        done = iterations(records)
        self.assertEqual((counts, len(lags), len(done)), ((100, 100, 0), 100, 100))
        self.assertTrue(all(iteration["response_ms"] >= iteration["ms"] >= 2 for iteration in done))
        self.assertTrue(all(70 <= iteration["user"] < 120 for iteration in done))
        self.assertEqual(len({(iteration["user"], iteration["number"]) for iteration in done}), 100)

    def test_time_0_is_the_instant_that_the_agent_names(self):
        first = {"plan": {"arrivals": rate(100, 0.5)}, "t": 0, "start_ns": time.monotonic_ns() - 300_000_000}
        counts, lags = sums(Runner("loads.run(lambda user: None)", None, first=first).rest())
        self.assertEqual(counts, (50, 50, 0))
        self.assertGreaterEqual(max(lags), 300, "the first were due before the program began")

    def test_stripes_add_up_to_the_plan(self):
        third = (1 << 32) // 3
        parts = [[0, third], [third, 2 * third], [2 * third, 1 << 32]]
        runners = [Runner("loads.run(lambda user: None)", {"arrivals": rate(100, 1, stripe=part)}) for part in parts]
        counts = [sums(runner.rest())[0] for runner in runners]
        self.assertEqual(sum(started for _, started, _ in counts), 100)
        self.assertTrue(all(32 <= started <= 35 for _, started, _ in counts), counts)

    def test_busy_users_make_arrivals_wait_and_then_drop_them(self):
        # All arrivals are due before the users' first iterations end, and handed out even where the machine stands still.
        code = "def scenario(user):\n    if user.iteration == 0: time.sleep(5)\n"
        plan = {"arrivals": rate(1000, 0.1, max_users=4, queue=10), "grace_s": 60}
        records = Runner(code + "loads.run(scenario)", plan).rest()
        counts, lags = sums(records)
        done = iterations(records)
        self.assertEqual((counts, len(done)), ((100, 14, 86), 14))
        waited = [iteration for iteration in done if iteration["number"] > 0]
        self.assertEqual(len(waited), 10)
        # Their waiting is in the response, and not the generator's lag.
        self.assertTrue(all(iteration["response_ms"] > iteration["ms"] + 4500 for iteration in waited), waited)
        self.assertLess(sorted(lags)[7], 4500)

    def test_poisson_arrivals_are_drawn_from_their_seed(self):
        def planned(seed):
            plan = {"arrivals": rate(500, 0.5, poisson=True, seed=seed)}
            counts, _ = sums(Runner("loads.run(lambda user: None)", plan).rest())
            self.assertEqual(counts[0], counts[1] + counts[2])
            return counts[0]

        one, again, other = planned(1), planned(1), planned(2)
        self.assertEqual(one, again)
        # 250 on average, with a standard deviation of 16.
        self.assertTrue(150 < one < 350 and 150 < other < 350 and one != other, (one, other))

    def test_a_warm_up_goes_by_when_an_iteration_was_due(self):
        code = "def scenario(user):\n    user.check('in', True); user.fail('x') if user.iteration < 0 else None\n"
        plan = {"arrivals": rate(200, 0.5), "warm_up_s": 0.2}
        records = Runner(code + "loads.run(scenario)", plan).rest()
        self.assertEqual((sums(records, True)[0], sums(records)[0]), ((40, 40, 0), (60, 60, 0)))
        for key in ("iteration", "check"):
            marked = [record for record in records if key in record and record.get("warm_up")]
            self.assertEqual(len(marked), 40)

    def test_a_changed_rate_counts_from_its_time(self):
        # It is heard of long before that.
        runner = Runner("loads.run(lambda user: None)", {"arrivals": rate(100, 3.6), "first_user": 5})
        changed = rate(100, 3)
        changed["stages"] += [{"duration_ns": 0, "rate_uph": 1000 * 3_600_000_000},
                              {"duration_ns": 600_000_000, "rate_uph": 1000 * 3_600_000_000}]
        runner.tell({"adjust": {"users": 50, "first_new_user": 900, "at_s": 3,
                                "change": {"from_ns": 3 * SECOND, "arrivals": {**changed, "max_users": 60}}}})
        records = runner.rest()
        self.assertEqual(sums(records)[0], (900, 900, 0))
        self.assertTrue(all(5 <= iteration["user"] < 55 or iteration["user"] >= 900 for iteration in iterations(records)))

    def test_a_stop_cancels_what_waits_and_ends_the_rest(self):
        plan = {"arrivals": rate(500, 600, max_users=2, queue=100_000), "grace_s": 60}
        runner = Runner("loads.run(lambda user: user.sleep(0.05))", plan)
        first = []
        for record in runner.records():
            first.append(record)
            if sums(first)[0][0] > 20 and iterations(first):
                break
        runner.tell({"stop": {"grace_s": 60}})
        rest = first + runner.rest()
        (planned, started, dropped), _ = sums(rest)
        self.assertEqual((planned, dropped), (started + cancelled(rest), 0))
        self.assertGreater(cancelled(rest), 0)
        self.assertEqual({iteration["outcome"] for iteration in iterations(rest)}, {"ok"})

    def test_the_grace_ends_what_is_still_there(self):
        plan = {"arrivals": rate(100, 0.1, max_users=2), "grace_s": 4}
        records = Runner("loads.run(lambda user: user.sleep(1000))", plan).rest()
        self.assertEqual((sums(records)[0], cancelled(records)), ((10, 2, 8), 0), "nobody has stopped it")
        self.assertEqual([iteration["outcome"] for iteration in iterations(records)], ["interrupted"] * 2)


class UserTests(unittest.TestCase):
    def test_users_come_and_go_by_stages(self):
        stages = {"stages": [{"duration_ns": 0, "users": 6}, {"duration_ns": 2 * SECOND, "users": 6},
                             {"duration_ns": 0, "users": 2}, {"duration_ns": 3 * SECOND, "users": 2}]}
        plan = {"user_stages": {**stages, "stripe": [0, 1 << 31]}, "first_user": 10}
        records = Runner("loads.run(lambda user: user.sleep(0.01))", plan).rest()
        # Of the first six the stripe owns 0, 2, 4 and 5; of the first two the 0.
        users = {iteration["user"] for iteration in iterations(records)}
        self.assertEqual(users, {10, 12, 14, 15})
        shown = [record["users"] for record in records if "users" in record]
        self.assertEqual((max(shown), shown[-1]), (4, 0))
        last = {}
        for iteration in iterations(records):
            last[iteration["user"]] = max(last.get(iteration["user"], 0), iteration["number"])
        self.assertGreater(last[10], max(last[12], last[14], last[15]), "the lowest stays")

    def test_changed_stages_count_from_their_time(self):
        long = {"stages": [{"duration_ns": 0, "users": 2}, {"duration_ns": 60 * SECOND, "users": 2}]}
        runner = Runner("loads.run(lambda user: user.sleep(0.01))", {"user_stages": long})
        records = runner.records()
        next(record for record in records if record.get("users") == 2)
        at = time.monotonic_ns() - runner.start_ns + SECOND // 5
        changed = [*long["stages"][:1], {"duration_ns": at, "users": 2}, {"duration_ns": 0, "users": 5},
                   {"duration_ns": 60 * SECOND - at, "users": 5}]
        runner.tell({"adjust": {"users": 5, "first_new_user": 9, "at_s": at / 1e9,
                                "change": {"from_ns": at, "user_stages": {"stages": changed}}}})
        next(record for record in records if record.get("users") == 5)
        runner.tell({"stop": {"grace_s": 10}})
        rest = runner.rest()
        self.assertEqual({iteration["user"] for iteration in iterations(rest)} - {0, 1, 2, 3, 4}, set())

    def test_pacing_and_think_time_keep_iterations_apart(self):
        for more in ({"pacing_s": 0.2}, {"think": {"kind": "uniform", "ns": [SECOND // 5, SECOND // 4]}}):
            code = "def scenario(user):\n    user.note(repr(time.monotonic_ns()))\n"
            runner = Runner(code + "loads.run(scenario)", {"users": 1, "iterations": 4, **more})
            notes = [int(record["note"]) for record in runner.rest() if "note" in record]
            self.assertEqual(len(notes), 4)
            # From the start on, not from one to the next: a note may come long after the start of its iteration.
            for number, note in enumerate(notes):
                self.assertGreaterEqual(note - runner.start_ns, number * (SECOND // 5) - 1000, notes)

    def test_a_warm_up_of_users_goes_by_the_start(self):
        plan = {"users": 2, "duration_s": 5, "warm_up_s": 2}
        records = Runner("loads.run(lambda user: user.sleep(0.01))", plan).rest()
        warm = [record.get("warm_up", False) for record in records if "iteration" in record]
        self.assertTrue(any(warm) and not all(warm))
        self.assertTrue(all("response_ms" not in iteration for iteration in iterations(records)))

    def test_a_duration_lasts_although_nobody_is_left(self):
        runner = Runner("loads.run(lambda user: user.sleep(0.01))", {"users": 1, "duration_s": 60})
        records = runner.records()
        next(record for record in records if "iteration" in record)
        runner.tell({"adjust": {"users": 0, "at_s": 0, "first_new_user": 1}})
        next(record for record in records if record.get("users") == 0)
        runner.tell({"adjust": {"users": 1, "at_s": 0, "first_new_user": 7}})
        self.assertEqual(next(record for record in records if "iteration" in record)["iteration"]["user"], 7)
        runner.tell({"stop": {"grace_s": 10}})
        runner.rest()


if __name__ == "__main__":
    unittest.main()
