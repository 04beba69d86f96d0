import hashlib
import json
import os
import tempfile
import unittest

import msgpack

from loads.files import BadFile, CHUNK, Cache, Fetching, place
from loads.histogram import Histogram, bucket
from loads.lines_plan import essentials, lack, length, needs, plan_line, unknown
from loads.measure import BadResult, Measure, SECONDS, until_next
from loads.merge import Merger, counts, merge
from loads.session import shown
from loads.spool import Spool
from loads.wire import Frames, WireError, decode, frame, message
from tests.support import VECTORS


def plain(value):
    """What was unpacked as the JSON beside a vector has it: bytes as {"hex": …}."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    return value


class VectorTests(unittest.TestCase):
    def test_the_recorded_messages_are_what_stands_beside_them(self):
        recorded = sorted(VECTORS.glob("*.msgpack"))
        self.assertGreater(len(recorded), 50)
        for path in recorded:
            with self.subTest(path.name):
                fields = decode(path.read_bytes())
                self.assertEqual(plain(fields), json.loads(path.with_suffix(".json").read_text()))
                self.assertEqual(msgpack.packb(fields, use_bin_type=True), path.read_bytes())


class HistogramTests(unittest.TestCase):
    def test_buckets_are_those_of_the_protocol(self):
        for value, index in [(0, 0), (1, 1), (2047, 2047), (2048, 2048), (2049, 2048), (4095, 3071), (4096, 3072),
                             (1_000_000, (9 << 10) + (1_000_000 >> 9))]:
            self.assertEqual(bucket(value), index, value)

    def test_what_is_packed_comes_back(self):
        histogram = Histogram()
        for value in [900, 1_500_000, 1_500_001, 2_000_000_000, 0]:
            histogram.record(value)
        back = Histogram.unpacked(histogram.packed())
        self.assertEqual((back.min, back.max, back.sum, back.count), (0, 2_000_000_000, 2_003_000_901, 5))
        self.assertEqual(back.buckets, histogram.buckets)
        self.assertIsNone(Histogram().packed())


def last(measure, now):
    """The last batch until then."""
    return decode(measure.batches(now)[-1])


class MeasureTests(unittest.TestCase):
    def test_single_hits_are_bounded_by_their_texts_and_the_rest_is_counted(self):
        # As while a spool is full: no batch is cut for long.
        measure = Measure(raw_hits=True)
        for number in range(300):
            measure.take({"url": f"http://h/{number}/" + "u" * 50_000, "name": "n" * 5_000, "ms": 1, "error": "e" * 5_000}, 0.5)
        packed = measure.batches(0.95)
        self.assertLess(sum(map(len, packed)), 5 << 20)
        batch = decode(packed[-1])
        self.assertEqual(batch["names"]["n" * 1000]["count"], 300)
        hits = len(batch["hits"]["t"])
        self.assertGreater(hits, 100)
        self.assertEqual(hits + batch["health"]["dropped_hits"], 300)
        self.assertTrue(all(len(string.encode()) <= 32 << 10 for string in batch["hits"]["strings"]))
        # The next batch has room again.
        measure.take({"url": "http://h/", "name": "n", "ms": 1}, 1.5)
        self.assertEqual(len(last(measure, 1.9)["hits"]["t"]), 1)

    def test_hits_are_counted_by_name_and_status(self):
        measure = Measure(raw_hits=True)
        hit = {"t": 0.5, "user": 3, "iteration": 1, "name": "GET /", "method": "GET", "url": "http://h/", "status": 200,
               "ms": 1.5, "bytes": 10, "bytes_sent": 2, "requests": 2, "error": None}
        measure.take(hit, 0.9)
        measure.take({**hit, "status": 404}, 0.9)
        measure.take({**hit, "status": None, "error": "connect", "t": 0.25}, 0.9)
        measure.take({"iteration": {"user": 3, "number": 1, "outcome": "failed", "ms": 4}}, 0.9)
        measure.take({"failure": {"at": "a.py:3", "message": "no"}}, 0.9)
        measure.take({"users": 7}, 0.9)
        self.assertEqual(measure.take({"note": "hello"}, 0.9), "hello")
        batch = last(measure, 0.95)
        name = batch["names"]["GET /"]
        self.assertEqual((name["count"], name["failed"], name["requests"], name["bytes_received"], name["bytes_sent"]),
                         (3, 2, 6, 30, 6))
        self.assertEqual(name["status"], [200, 1, 404, 1])
        self.assertEqual(batch["errors"]["connect"]["count"], 1)
        self.assertEqual(batch["failures"]["a.py:3"]["sample"], "no")
        self.assertEqual(batch["iterations"], {"started": 1, "ok": 0, "failed": 1, "skipped": 0, "interrupted": 0})
        self.assertEqual((batch["users"], batch["from_s"], batch["to_s"]), (7, 0, 0.95))
        hits = batch["hits"]
        self.assertEqual(hits["strings"], ["GET /", "GET", "http://h/", "connect"])
        self.assertEqual((hits["error"], hits["status"]), ([None, None, 3], [200, 404, None]))
        self.assertEqual(last(measure, 2)["names"], {}, "a batch begins anew")

    def test_arrivals_and_both_times_of_iterations_are_counted(self):
        measure = Measure()
        measure.take({"arrivals": {"planned": 5, "started": 2, "dropped": 1, "lag_ms": [0.5, 2]}}, 0.9)
        measure.take({"arrivals": {"started": 1, "cancelled": 2, "lag_ms": [1.25]}}, 0.9)
        measure.take({"iteration": {"outcome": "ok", "ms": 4, "response_ms": 7.5}}, 0.9)
        measure.take({"iteration": {"outcome": "interrupted", "ms": 100, "response_ms": 200}}, 0.9)
        batch = last(measure, 1)
        self.assertEqual(batch["arrivals"], {"planned": 5, "started": 3, "dropped": 1, "cancelled": 2})
        self.assertEqual(batch["schedule_lag"][:3], [500_000, 2_000_000, 3_750_000])
        self.assertEqual((batch["service"][:3], batch["response"][:3]),
                         ([4_000_000, 100_000_000, 104_000_000], [7_500_000, 200_000_000, 207_500_000]))
        self.assertEqual((batch["iterations"]["interrupted"], batch["iterations"]["cut_off"]), (1, 1))
        self.assertFalse({"arrivals", "response", "schedule_lag", "warm_up"} & set(last(measure, 3)))

    def test_what_a_stop_interrupts_has_no_times_and_what_it_cancels_is_counted_by_itself(self):
        measure = Measure(raw_hits=True)
        cancelled = {"name": "a", "ms": 5, "t": 0.1, "error": "cancelled"}
        measure.take(cancelled, 0.5)
        measure.is_stopped = True
        measure.take(cancelled, 0.6)
        measure.take({**cancelled, "error": {"kind": "cancelled"}, "warm_up": True}, 0.6)
        measure.take({**cancelled, "error": "reset"}, 0.6)
        measure.take({"iteration": {"outcome": "interrupted", "ms": 100, "response_ms": 200}}, 0.7)
        batch = last(measure, 1)
        name = batch["names"]["a"]
        self.assertEqual((name["count"], name["cancelled"], name["failed"], name["requests"]), (2, 1, 2, 2))
        self.assertEqual(Histogram.unpacked(name["latency"]).count, 2)
        self.assertEqual({kind: group["count"] for kind, group in batch["errors"].items()}, {"cancelled": 1, "reset": 1})
        apart = batch["warm_up"]
        self.assertEqual((apart["names"]["a"]["count"], apart["names"]["a"]["cancelled"], apart["errors"]), (0, 1, {}))
        self.assertEqual((batch["iterations"]["interrupted"], batch["service"]), (1, None))
        self.assertFalse({"cut_off"} & set(batch["iterations"]))
        self.assertEqual((len(batch["hits"]["t"]), measure.totals, counts(batch)), (4, [1, 4], (1, 1, 4)))

    def test_no_batch_reaches_over_a_second_and_what_comes_late_is_in_its_own(self):
        measure = Measure(raw_hits=True)

        def cut(now, **options):
            return [(batch["from_s"], batch["to_s"], sum(entry["count"] for entry in batch["names"].values()),
                     len((batch.get("hits") or {"t": []})["t"])) for batch in map(decode, measure.batches(now, **options))]

        self.assertEqual(cut(0.9), [(0, 0.9, 0, 0)])
        # One ended before the end of the second, one on it, one just behind it; and one's clock is wrong.
        for start in (0.5, 0.75, 0.76, 50):
            measure.take({"name": "a", "t": start, "ms": 250}, 1.02)
        self.assertEqual(cut(1.05), [(0.9, 1, 1, 1), (1, 1.05, 3, 3)])
        measure.take({"name": "a", "t": 0.5, "ms": 1, "error": "reset"}, 1.1)
        measure.take({"step": {"name": "s", "ms": 1}}, 1.1)
        late, present = map(decode, measure.batches(1.2, 0.5, 7))
        self.assertEqual([(late["from_s"], late["to_s"]), (present["from_s"], present["to_s"])], [(0, 1), (1.05, 1.2)])
        self.assertEqual((list(late["names"]), late["errors"]["reset"]["last_s"], "steps" in late), (["a"], 0.501, False))
        self.assertEqual((present["names"], list(present["steps"])), ({}, ["s"]))
        self.assertEqual([batch["health"]["cpu_s"] for batch in (late, present)], [0, 0.5])
        measure.take({"name": "a", "ms": 1}, 4)
        self.assertEqual(cut(3.5), [(1.2, 2, 0, 0), (2, 3, 0, 0), (3, 3.5, 0, 0)], "a later second stays")
        self.assertEqual(cut(3.5, is_last=True), [(3.5, 3.5, 0, 0), (4, 4, 1, 1)])
        self.assertEqual(cut(3.5), [(3.5, 3.5, 0, 0)], "no batch goes back")
        self.assertEqual(cut(5), [(3.5, 4, 0, 0), (4, 5, 0, 0)])
        for second in range(SECONDS + 10):
            measure.take({"name": "a", "t": second, "ms": 0}, 1000)
        self.assertEqual([count for _, _, count, _ in cut(1000) if count], [1] * (SECONDS - 1) + [11])

    def test_batches_end_with_the_seconds(self):
        for now, interval, next_ in ((0, 0.1, 0.1), (0.3, 0.1, 0.4), (0.9001, 0.1, 1), (0.6, 0.4, 0.8), (0.85, 0.4, 1),
                                     (7.1, 1, 8), (0.9995, 0.1, 1.1)):
            self.assertAlmostEqual(now + until_next(now, interval), next_, places=3, msg=f"{now}, {interval}")

    def test_a_warm_up_is_counted_apart(self):
        measure = Measure(max_names=1, raw_hits=True)
        for more in ({"warm_up": True}, {}, {"warm_up": True}):
            measure.take({"name": "a", "ms": 1, **more}, 0.9)
            measure.take({"iteration": {"ms": 2, "failure": {"at": "x", "message": "y"}}, **more}, 0.9)
            measure.take({"arrivals": {"planned": 1, "started": 1, "lag_ms": [1]}, **more}, 0.9)
            measure.take({"step": {"name": "s", "ms": 1}, **more}, 0.9)
        measure.take({"check": {"name": "c", "passed": True}, "warm_up": True}, 0.9)
        measure.take({"name": "b", "ms": 1, "warm_up": True}, 0.9)
        batch = last(measure, 1)
        apart = batch["warm_up"]
        self.assertEqual([part["names"]["a"]["count"] for part in (batch, apart)], [1, 2])
        self.assertEqual([part["iterations"]["ok"] for part in (batch, apart)], [1, 2])
        self.assertEqual([part["arrivals"]["planned"] for part in (batch, apart)], [1, 2])
        self.assertEqual([part["steps"]["s"]["count"] for part in (batch, apart)], [1, 2])
        self.assertEqual([part["failures"]["x"]["count"] for part in (batch, apart)], [1, 2])
        self.assertEqual((apart["checks"]["c"], apart["names"]["(other)"]["count"]), ({"passed": 1, "failed": 0}, 1))
        self.assertEqual(len(batch["hits"]["t"]), 4, "whoever watches sees them all")
        self.assertEqual((measure.totals, batch["health"]["overflowed_names"]), ([3, 4], 1))
        self.assertNotIn("warm_up", last(measure, 3))

    def test_a_hit_may_say_very_little(self):
        measure = Measure(raw_hits=True)
        measure.take({"url": "http://h/a?b", "ms": 500, "phases": {"wait": 400, "other": 1}}, 2)
        measure.take({"name": "b", "error": {"kind": "dns", "message": "no such host"}}, 2)
        batch = last(measure, 3)
        self.assertEqual(list(batch["names"]), ["GET /a", "b"])
        self.assertEqual(batch["hits"]["t"], [1.5, 2])
        self.assertEqual(batch["names"]["GET /a"]["phases"][5][:2], [400_000_000] * 2)
        self.assertEqual(batch["errors"]["dns"]["sample"], "no such host")

    def test_further_names_are_counted_together(self):
        measure = Measure(max_names=2)
        for name in "abcdd":
            measure.take({"name": name, "ms": 1}, 0)
        batch = last(measure, 1)
        self.assertEqual({name: entry["count"] for name, entry in batch["names"].items()},
                         {"a": 1, "b": 1, "(other)": 3})
        self.assertEqual(batch["health"]["overflowed_names"], 2)

    def test_what_is_no_result_is_refused(self):
        for record in [{}, {"name": "a", "ms": -1}, {"name": "a", "ms": "x"}, {"name": "a", "ms": 1, "status": 1000}, {"ms": 1},
                       {"iteration": {"outcome": "good"}}, {"users": -1}, {"failure": 3}, {"name": "a"},
                       {"name": "a", "ms": 1, "t": float("inf")}, {"name": "a", "ms": 1, "t": float("nan")},
                       {"name": "a", "ms": 1, "t": 0, "bytes_sent": -1}, {"arrivals": {"planned": -1}},
                       {"arrivals": {"lag_ms": [-1]}}, {"iteration": {"response_ms": "x"}}]:
            with self.assertRaises(BadResult, msg=str(record)):
                Measure().take(record, 0)


class MergeTests(unittest.TestCase):
    def setUp(self):
        self.data = (VECTORS / "report-batch.msgpack").read_bytes()

    def test_two_batches_add_up(self):
        merged = decode(self.data)
        merge(merged, decode(self.data))
        one = decode(self.data)
        name, once = merged["names"]["GET /"], one["names"]["GET /"]
        self.assertEqual((name["count"], name["failed"]), (2 * once["count"], 2 * once["failed"]))
        self.assertEqual(name["status"], [number * (1 + place % 2) for place, number in enumerate(once["status"])])
        histogram, alone = Histogram.unpacked(name["latency"]), Histogram.unpacked(once["latency"])
        self.assertEqual((histogram.count, histogram.sum, histogram.max), (2 * alone.count, 2 * alone.sum, alone.max))
        self.assertEqual(merged["iterations"]["started"], 2 * one["iterations"]["started"])
        self.assertEqual(merged["health"]["cpu_s"], one["health"]["cpu_s"])
        self.assertEqual(merged["health"]["dropped_hits"], 2 * one["health"]["dropped_hits"])
        self.assertEqual(merged["hits"]["strings"], one["hits"]["strings"])
        self.assertEqual(merged["hits"]["error"], one["hits"]["error"] * 2)

    def test_what_only_some_plans_have_adds_up_as_well(self):
        one = decode(self.data)
        statistics = {key: value for key, value in decode(self.data).items()
                      if key not in ("v", "type", "from_s", "to_s", "hits")}
        some = {"arrivals": {"planned": 5, "started": 3, "dropped": 1}, "response": one["service"],
                "schedule_lag": one["service"], "warm_up": statistics}
        merged = decode(self.data)
        merge(merged, {**decode(self.data), **some})
        self.assertEqual(merged["arrivals"], some["arrivals"])
        self.assertEqual((merged["response"], merged["warm_up"]), (some["response"], statistics))
        merge(merged, decode(message("batch", **{**{key: value for key, value in decode(self.data).items()
                                                    if key not in ("v", "type")}, **some})))
        self.assertEqual(merged["arrivals"], {"planned": 10, "started": 6, "dropped": 2})
        self.assertEqual(merged["response"][2], 2 * one["service"][2])
        self.assertEqual(merged["warm_up"]["names"]["GET /"]["count"], 2 * one["names"]["GET /"]["count"])
        alone = counts(one)
        self.assertEqual(counts(merged), tuple(3 * own + 2 * own for own in alone))

    def test_what_a_swift_runner_counts_besides_adds_up_as_well(self):
        def batch():
            fields = decode((VECTORS / "report-batch-scenarios.msgpack").read_bytes())
            histogram = fields["scenarios"]["Shop/buys"]["service"]
            fields["iterations"].update(interrupted=2, cut_off=1)
            fields["names"]["a"] = {
                "count": 0, "cancelled": 3, "failed": 0, "requests": 0, "bytes_sent": 0, "bytes_received": 0, "latency": None,
                "phases": [None] * 7, "status": []}
            fields["health"]["held_ns"] = 5
            return {**fields, "unscheduled": histogram, "user_wait": histogram}

        plain_ = decode((VECTORS / "report-batch-scenarios.msgpack").read_bytes())
        del plain_["scenarios"]
        for merged, times in ((batch(), 2), (plain_, 1)):
            # What one of them does not have is not lost either.
            merge(merged, batch())
            histogram = batch()["user_wait"]
            self.assertEqual(merged["iterations"]["cut_off"], times)
            self.assertEqual((merged["names"]["a"]["cancelled"], merged["health"]["held_ns"]), (3 * times, 5 * times))
            for key in ("unscheduled", "user_wait"):
                self.assertEqual(merged[key][:3], [*histogram[:2], histogram[2] * times])
            buys, looks = merged["scenarios"]["Shop/buys"], merged["scenarios"]["Shop/looks"]
            self.assertEqual((buys["iterations"]["ok"], buys["arrivals"]["planned"]), (3 * times, 8 * times))
            self.assertEqual((buys["service"][2], buys["response"][2]), (3_500_000 * times, 4_500_000 * times))
            self.assertEqual((looks["iterations"]["skipped"], looks["service"]), (times, None))
        self.assertEqual(counts(batch()), (7, 2, 3))
        merger = Merger()
        data = message("batch", **{key: value for key, value in batch().items() if key not in ("v", "type")})
        take = lambda now: merger.take(data, decode(data), now, 1.0)
        self.assertEqual((take(1), take(1.1)), ([data], []), "it can be added")

    def test_batches_of_two_seconds_stay_two_and_what_is_late_hurries_nobody(self):
        def data(from_s, to_s):
            fields = decode(self.data)
            return message("batch", **{**{key: value for key, value in fields.items() if key not in ("v", "type")},
                                       "from_s": from_s, "to_s": to_s})

        merger = Merger()
        out = []
        for tenth in range(30):
            one = data(tenth / 10, (tenth + 1) / 10)
            out += merger.take(one, decode(one), 7 + tenth / 10, 1.0)
            if tenth == 14:
                late = data(0, 1)
                out += merger.take(late, decode(late), 7 + tenth / 10, 1.0)
        out += merger.flush(10)
        spans = [(fields["from_s"], fields["to_s"]) for fields in map(decode, out)]
        self.assertEqual(spans, [(0, 0.1), (0.1, 1), (0, 1), (1, 2), (2, 3)])

    def test_a_batch_waits_until_the_interval_is_over(self):
        merger = Merger()
        take = lambda now: merger.take(self.data, decode(self.data), now, 1.0)
        self.assertEqual(take(10), [self.data], "unchanged, since nothing was added to it")
        self.assertEqual(take(10.1), [])
        self.assertEqual(take(10.2), [])
        out = take(11)
        self.assertEqual([decode(batch)["names"]["GET /"]["count"] for batch in out], [9])
        self.assertEqual(take(11.1), [])
        # What cannot be added is not, and overtakes nothing.
        other = message("batch", **{**{key: value for key, value in decode(self.data).items() if key not in ("v", "type")},
                                    "something_new": 1})
        self.assertEqual(merger.take(other, decode(other), 11.15, 1.0), [self.data, other])
        self.assertEqual(take(11.17), [])
        self.assertEqual(merger.flush(11.2), [self.data])
        self.assertEqual(merger.flush(11.3), [])


class SpoolTests(unittest.TestCase):
    def filled(self, count, **options):
        spool = Spool(**options)
        for number in range(1, count + 1):
            spool.add("r", number, b"x" * 10)
        return spool

    def sent(self, spool, now=0.0):
        numbers = []
        while entry := spool.next(now):
            numbers.append(entry.sequence)
        return numbers

    def test_no_more_than_the_window_is_in_flight(self):
        spool = self.filled(10, window=4)
        self.assertEqual(self.sent(spool), [1, 2, 3, 4])
        spool.acknowledge("r", 2, 1)
        self.assertEqual(self.sent(spool), [5, 6])
        self.assertEqual(self.sent(self.filled(10, window_bytes=25)), [1, 2])

    def test_a_message_larger_than_the_window_still_goes(self):
        self.assertEqual(self.sent(self.filled(2, window_bytes=5)), [1])

    def test_after_a_rewind_everything_unacknowledged_goes_again(self):
        spool = self.filled(3)
        self.sent(spool)
        spool.rewind()
        spool.acknowledge("r", 1, 1)
        self.assertEqual(self.sent(spool), [2, 3])

    def test_without_progress_it_goes_again(self):
        spool = self.filled(2)
        self.sent(spool, now=10)
        self.assertFalse(spool.overdue(14))
        self.assertTrue(spool.overdue(15))
        self.assertEqual(self.sent(spool, 15), [1, 2])
        self.assertFalse(spool.overdue(24), "the patience doubles")
        self.assertTrue(spool.overdue(25))
        self.sent(spool, 25)
        spool.acknowledge("r", 1, 26)
        self.assertTrue(spool.overdue(31), "an acknowledgement brings it back")
        spool.acknowledge("r", 2, 32)
        self.assertFalse(spool.overdue(100))
        self.assertEqual((len(spool), spool.bytes), (0, 0))

    def test_what_was_not_taken_stays_the_next(self):
        spool = self.filled(2)
        spool.unsend(spool.next(0))
        self.assertEqual(self.sent(spool), [1, 2])
        entry = self.filled(1).next(0)
        spool.acknowledge("r", 2, 1)
        spool.unsend(entry)
        self.assertEqual(len(spool), 0, "what was acknowledged meanwhile does not come back")

    def test_runs_do_not_touch_each_other(self):
        spool = self.filled(2)
        spool.add("s", 1, b"")
        spool.acknowledge("r", 5, 0)
        self.assertEqual([(entry.run, entry.sequence) for entry in [spool.next(0)]], [("s", 1)])


class FrameTests(unittest.TestCase):
    def test_frames_come_whole_however_they_are_cut(self):
        data = frame(b"one") + frame(b"") + frame(b"three")
        for size in range(1, len(data) + 1):
            frames = Frames()
            got = [part for place in range(0, len(data), size) for part in frames.feed(data[place:place + size])]
            self.assertEqual(got, [b"one", b"", b"three"])

    def test_hostile_bytes_are_an_error(self):
        for data in [b"", b"\xc1", b"\xdd\xff\xff\xff\xff", b"\x81" * 100000, b"\x01", message("x")[:-1],
                     b"\x82\xa1v\x02\xa4type\xa1x"]:
            with self.assertRaises(WireError, msg=data[:10]):
                decode(data)
        with self.assertRaises(WireError):
            Frames().feed(b"\x7f\xff\xff\xff")


class SessionTests(unittest.TestCase):
    def test_a_password_is_not_shown(self):
        for url, text in (("http://u:p@a.test/x", "http://u:***@a.test/x"), ("https://u:p:q@r@a.test", "https://u:***@a.test")):
            self.assertEqual(shown(url), text)
        for url in ("http://u@a.test:80/x:y@z", "http://a.test/?b:c@d", "/x:y@z"):
            self.assertEqual(shown(url), url)


class LinesPlanTests(unittest.TestCase):
    CYCLES = [{"users": 2, "iterations": 3}]

    def test_what_no_program_knows_is_named_with_what_to_do(self):
        for plan in ({"cycles": self.CYCLES, "pacing_ns": 1}, {"arrivals": {}}, {"user_stages": {}}):
            self.assertIsNone(unknown({"plan": plan, "phase": "run", "options": {"url": ["https://h/"]}}))
        for order, words in (({"plan": {"mix": []}}, "a mix of scenarios"), ({"plan": {"tides": []}}, "a model"),
                             ({"plan": {"cycles": self.CYCLES}, "phase": "wake"}, "wake"),
                             ({"plan": {"cycles": self.CYCLES}, "scenarios": ["a", "b"]}, "several URLs"),
                             ({"plan": {"cycles": self.CYCLES}, "options": {"insecure": ["1"]}}, "--insecure:"),
                             ({"plan": {"cycles": self.CYCLES}, "options": {"ca": ["PEM"]}}, "--ca:")):
            self.assertIn(words, unknown(order))
            self.assertIn("--label", unknown(order))

    def test_what_a_program_must_know_is_named(self):
        self.assertEqual(needs({"cycles": self.CYCLES, "think_ns": 10, "pacing_ns": 0, "seed": 4}), [])
        for plan, names in (
                ({"arrivals": {}}, ["arrivals"]), ({"user_stages": {}, "warm_up_ns": 1}, ["user_stages", "warm_up"]),
                ({"cycles": self.CYCLES, "pacing_ns": 1}, ["pacing"]),
                ({"cycles": self.CYCLES, "think": {"kind": "uniform", "ns": [1, 2]}}, ["think"])):
            self.assertEqual(needs(plan), names)
        words = lack(["arrivals", "warm_up"], "python3 shop.py", ["pacing"])
        self.assertTrue(words.startswith("--rate and --warm-up: python3 shop.py does not know it (it has said that it knows "
                                         "pacing)"), words)
        self.assertIn('{"knows":["arrivals", "warm_up"]}', words)
        self.assertIn("nothing of what it knows", lack(["arrivals"], "x", None))

    def test_other_models_are_told_as_they_are(self):
        arrivals = {"stages": [{"duration_ns": 0, "rate_uph": 36}, {"duration_ns": 1_500_000_000, "rate_uph": 36}],
                    "max_users": 5, "queue": 7, "stripe": [0, 99]}
        plan = {"arrivals": arrivals, "warm_up_ns": 500_000_000, "grace_ns": 10 ** 9, "first_user": 3}
        line = plan_line(plan, "r1", "a1", 0.5, 77, False)
        self.assertEqual((line["plan"]["arrivals"], line["plan"]["warm_up_s"], line["start_ns"]), (arrivals, 0.5, 77))
        self.assertFalse({"users", "cycles", "iterations"} & set(line["plan"]))
        self.assertEqual(length(plan), 1.5)
        variables = essentials(plan, "r1", "a1")
        self.assertEqual([variables[f"LOADS_{key}"] for key in ("TOTAL_USERS", "DURATION", "NEEDS")],
                         ["5", "1.5", "arrivals,warm_up"])
        stages = {"user_stages": {"stages": [{"duration_ns": 10 ** 9, "users": 8}], "stripe": [0, 1 << 31]}}
        self.assertEqual(essentials(stages, "r1", "a1")["LOADS_TOTAL_USERS"], "5")

    def test_the_seed_the_part_and_the_value_are_passed_on(self):
        plan = {"cycles": self.CYCLES, "seed": 7, "part": {"index": 1, "count": 3}}
        line = plan_line(plan, "r1", "a1", 0.5, 77, False, b'{"token": 1}')
        self.assertEqual((line["plan"]["seed"], line["plan"]["part"]), (7, {"index": 1, "count": 3}))
        self.assertEqual(line["value"], {"token": 1})
        line = plan_line({"cycles": self.CYCLES}, "r1", "a1", 0.5, 77, False)
        self.assertEqual((line["plan"]["seed"], line["plan"]["part"]), (0, {"index": 0, "count": 1}))
        self.assertNotIn("value", line)


class FileTests(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.folder = directory.name + "/cache"
        self.run_directory = directory.name + "/run"
        self.cache = Cache(self.folder)
        self.content = os.urandom(CHUNK * 5 + 7)
        #: Another first byte, whatever that was.
        self.damaged = bytes([self.content[0] ^ 1]) + self.content[1:]
        self.file = {"path": "a/b.bin", "executable": True, "bytes": len(self.content),
                     "hash": hashlib.sha256(self.content).hexdigest()}

    def serve(self, fetching, content):
        asked = []
        while request := fetching.request():
            asked.append(request["bytes"])
            for offset in range(request["offset"], request["offset"] + request["bytes"], CHUNK):
                end = min(offset + CHUNK, request["offset"] + request["bytes"])
                fetching.take(request["hash"], offset, content[offset:end])
        return asked

    def test_a_file_comes_in_chunks_and_is_known_the_next_time(self):
        empty = {"path": "empty", "executable": False, "bytes": 0, "hash": hashlib.sha256(b"").hexdigest()}
        fetching = Fetching(self.cache, [self.file, empty])
        self.assertEqual(fetching.missing_bytes, len(self.content))
        self.assertEqual(self.serve(fetching, self.content), [4 * CHUNK, CHUNK + 7])
        self.assertTrue(fetching.done)
        place(self.cache, [self.file, empty], self.run_directory)
        with open(self.run_directory + "/a/b.bin", "rb") as file:
            self.assertEqual(file.read(), self.content)
        self.assertTrue(os.access(self.run_directory + "/a/b.bin", os.X_OK))
        self.assertEqual(os.path.getsize(self.run_directory + "/empty"), 0)
        self.assertTrue(Fetching(self.cache, [self.file, empty]).done)

    def test_a_damaged_file_is_fetched_once_more_then_refused_and_not_kept(self):
        fetching = Fetching(self.cache, [self.file])
        with self.assertRaises(BadFile):
            self.serve(fetching, self.damaged)
        self.assertEqual(os.listdir(self.folder), [])

    def test_what_is_not_the_file_does_not_count_as_there(self):
        self.serve(Fetching(self.cache, [self.file]), self.content)
        self.assertEqual(self.cache.unchecked([self.file]), [])
        for content in (b"", b"short", self.damaged):
            with open(self.cache.path(self.file["hash"]), "wb") as file:
                file.write(content)
            # Another process, after a power cut.
            cache = Cache(self.folder)
            unchecked = cache.unchecked([self.file])
            self.assertEqual(cache.take(cache.digests(unchecked)), unchecked)
            fetching = Fetching(cache, [self.file])
            self.assertEqual(fetching.missing_bytes, len(self.content))
            self.serve(fetching, self.content)
            again = Cache(self.folder)
            self.assertEqual(again.unchecked([self.file]), [self.file["hash"]])
            self.assertEqual(again.take(again.digests([self.file["hash"]])), [])

    def test_what_was_not_used_for_long_makes_room(self):
        cache = Cache(self.folder, limit=250)
        files = []
        for number in range(4):
            content = bytes([number]) * 100
            files.append({"path": "a", "executable": False, "bytes": 100, "hash": hashlib.sha256(content).hexdigest()})
            self.serve(Fetching(cache, [files[-1]]), content)
            os.utime(cache.path(files[-1]["hash"]), (number, number))
        self.assertTrue(cache.has(files[0]))
        # Needed, though it is the oldest.
        cache.make_room(100, {files[1]["hash"]})
        self.assertEqual(set(os.listdir(self.folder)), {files[1]["hash"]})
        cache.make_room(1000, {files[1]["hash"]})
        self.assertTrue(cache.has(files[1]))
        cache.make_room(0, set())
        self.assertEqual(len(os.listdir(self.folder)), 1)

    def test_the_last_use_counts(self):
        cache = Cache(self.folder, limit=250)
        files = []
        for number in range(2):
            content = bytes([number]) * 100
            files.append({"path": "a", "executable": False, "bytes": 100, "hash": hashlib.sha256(content).hexdigest()})
            self.serve(Fetching(cache, [files[-1]]), content)
            os.utime(cache.path(files[-1]["hash"]), (number, number))
        self.assertTrue(cache.has(files[0]))
        cache.make_room(100, set())
        self.assertEqual(os.listdir(self.folder), [files[0]["hash"]])

    def test_a_path_out_of_the_directory_is_refused(self):
        self.serve(Fetching(self.cache, [self.file]), self.content)
        with self.assertRaises(BadFile):
            place(self.cache, [{**self.file, "path": "../x"}], self.run_directory)


if __name__ == "__main__":
    unittest.main()
