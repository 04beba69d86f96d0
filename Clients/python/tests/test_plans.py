"""What plans come to: the same in all languages, by the vectors that Swift's tests record."""

import json
import unittest

from loads.cursor import ArrivalCursor
from loads.draws import SplitMix, ThinkTime
from loads.plan import Plan
from loads.roster import Roster
from loads.schedule import Schedule, Stripe
from loads.timeline import UserTimeline
from tests.support import PLANS

VECTORS = json.loads(PLANS.read_text())
#: Logarithms and cosines of two libraries may differ in their last bit: times that are drawn, by so many nanoseconds.
TOLERANCE = 10


class SharedVectorTests(unittest.TestCase):
    def each(self, chapter):
        self.assertGreater(len(VECTORS[chapter]), 5)
        for number, vector in enumerate(VECTORS[chapter]):
            with self.subTest(chapter, number=number):
                yield vector

    def test_arrivals_are_due_when_they_are_everywhere(self):
        for vector in self.each("schedules"):
            schedule = Schedule(vector["stages"])
            self.assertEqual((schedule.total, schedule.length), (vector["total"], vector["length_ns"]))
            self.assertEqual([[number, schedule.time(number)] for number, _ in vector["times"]], vector["times"])
            self.assertEqual([[time, schedule.count_before(time)] for time, _ in vector["counts"]], vector["counts"])

    def test_numbers_have_the_owners_that_they_have_everywhere(self):
        for vector in self.each("stripes"):
            stripe = Stripe(vector["stripe"])
            self.assertEqual([number for number in range(300) if stripe.owns(number)], vector["below_300"])
            far = range(4294967290, 4294967330)
            self.assertEqual([number for number in far if stripe.owns(number)], vector["from_4294967290_to_4294967329"])

    def test_a_course_of_arrivals_is_the_same_with_its_change(self):
        for vector in self.each("cursors"):
            cursor = ArrivalCursor(vector["arrivals"])
            times = []

            def take(end):
                while cursor.due is not None and cursor.due < end:
                    times.append(cursor.due)
                    cursor.advance()

            if "change" in vector:
                take(vector["heard_ns"])
                cursor.change(vector["change"], vector["from_ns"])
            take(1 << 62)
            if vector["arrivals"]["poisson"]:
                self.assertEqual(len(times), len(vector["times"]))
                self.assertLessEqual(max(abs(a - b) for a, b in zip(times, vector["times"])), TOLERANCE)
            else:
                self.assertEqual(times, vector["times"])

    def test_users_come_and_go_when_they_do_everywhere(self):
        for vector in self.each("timelines"):
            timeline = UserTimeline(vector["user_stages"])
            moves, time = [[0, timeline.count(0)]], 0
            while (time := timeline.next(time)) is not None:
                moves.append([time, timeline.count(time)])
            self.assertEqual(moves, vector["moves"])

    def test_what_is_drawn_is_the_same(self):
        for vector in self.each("draws"):
            random = SplitMix(vector["seed"])
            self.assertEqual([str(random.next()) for _ in vector["numbers"]], vector["numbers"])
            random, think = SplitMix(vector["seed"]), vector["think"]
            time = ThinkTime(think["ns"][0] / 1e9, None if think["kind"] == "constant" else think)
            for wanted in vector["times_ns"]:
                self.assertAlmostEqual(time.draw(random) * 1e9, wanted, delta=TOLERANCE)


class PlanTests(unittest.TestCase):
    def test_a_plan_is_read_with_all_that_it_has(self):
        plan = Plan.parse({"plan": {
            "arrivals": {"stages": []}, "warm_up_s": 2, "pacing_s": 0.5, "think_s": 1.5, "first_user": 7,
            "think": {"kind": "uniform", "ns": [1, 2]}}, "t": 0.25, "start_ns": 9})
        self.assertEqual((plan.arrivals, plan.cycles, plan.user_stages), ({"stages": []}, [], None))
        self.assertEqual((plan.warm_up_s, plan.pacing_s, plan.first_user, plan.start_ns), (2, 0.5, 7, 9))
        for think in ({"kind": "lunar", "ns": [1]}, {"kind": "normal", "ns": [1]}):
            with self.assertRaises(ValueError):
                Plan.parse({"plan": {"users": 1, "iterations": 1, "think": think}})

    def test_users_that_are_done_count_as_the_cycles(self):
        roster = Roster(5, 3, 0)
        self.assertEqual(roster.adjust(5, 100), (range(100, 102), []))
        self.assertEqual(roster.adjust(2, 0), (range(0), [101, 100, 7]))
        self.assertEqual(roster.adjust(3, 50), (range(102, 103), []), "numbers are given out once")


if __name__ == "__main__":
    unittest.main()
