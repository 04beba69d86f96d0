import unittest

from loads.grouped import BadResult, tagged
from loads.measure import Measure
from loads.merge import merge
from loads.wire import decode
from tests.support import VECTORS


def batch(*records):
    measure = Measure()
    for record in records:
        measure.take(record, 2)
    return decode(measure.batches(3)[-1])


class GroupedTests(unittest.TestCase):
    def test_steps_checks_and_metrics_are_counted(self):
        fields = batch(
            {"step": {"name": "checkout", "ms": 12.5, "tags": {"plan": "pro", "n": 3}}},
            {"step": {"name": "checkout", "ms": 2, "failed": True}}, {"check": {"name": "has token", "passed": True}},
            {"check": {"name": "has token", "passed": False, "tags": {"x": True}}},
            {"metric": {"name": "orders", "kind": "counter"}},
            {"metric": {"name": "orders", "kind": "counter", "value": 2.5}},
            {"metric": {"name": "cached", "kind": "rate", "value": True}},
            {"metric": {"name": "cart", "kind": "trend", "value": 19.99, "unit": "EUR", "tags": {"a": "b c"}}},
            {"metric": {"name": "cart", "kind": "trend", "value": -1}}, {"name": "n", "ms": 1, "step": "checkout"})
        self.assertEqual({name: step["failed"] for name, step in fields["steps"].items()},
                         {"checkout": 1, "checkout{n=3,plan=pro}": 0})
        self.assertEqual(fields["steps"]["checkout{n=3,plan=pro}"]["duration"][:2], [12_500_000] * 2)
        self.assertEqual(fields["checks"], {"has token": {"passed": 1, "failed": 0}, "has token{x=true}": {"passed": 0, "failed": 1}})
        self.assertEqual((fields["metrics"]["orders"]["sum"], fields["metrics"]["cached"]["sum"]), (3.5, 1))
        cart = fields["metrics"]['cart{a="b c"}']
        self.assertEqual((cart["unit"], cart["last"], cart["last_s"], cart["trend"][0]), ("EUR", 19.99, 2, 19_990_000))
        self.assertEqual(fields["metrics"]["cart"]["refused"], 1)
        self.assertEqual(list(fields["names"]), ["n"])

    def test_metrics_of_one_name_and_different_kinds_are_kept_apart(self):
        fields = batch({"metric": {"name": "m", "kind": "gauge", "value": 3}},
                       {"metric": {"name": "m", "kind": "gauge", "value": 4, "unit": "s"}})
        self.assertEqual({name: metric["last"] for name, metric in fields["metrics"].items()}, {"m": 3, "m (gauge, s)": 4})

    def test_what_is_incomplete_is_refused(self):
        for record in [
            {"step": {"ms": 1}}, {"step": {"name": "s"}}, {"step": {"name": "s", "ms": 1, "failed": 1}},
            {"check": {"name": "c"}}, {"check": {"name": "c", "passed": "yes"}}, {"check": {"passed": True}},
            {"metric": {"name": "m", "value": 1}}, {"metric": {"name": "m", "kind": "set", "value": 1}},
            {"metric": {"name": "m", "kind": "gauge"}}, {"metric": {"name": "m", "kind": "rate", "value": 0.5}},
            {"metric": {"name": "m", "kind": "gauge", "value": 1, "tags": ["a"]}},
            {"metric": {"name": "m", "kind": "gauge", "value": 1, "tags": {"a": []}}},
        ]:
            with self.assertRaises(BadResult, msg=str(record)):
                Measure().take(record, 0)

    def test_tags_are_quoted_where_they_must(self):
        self.assertEqual(tagged("a", {"z": "", "k y": 'q"\\', "b": "é"}), 'a{b=é,"k y"="q\\"\\\\",z=""}')

    def test_two_batches_add_up(self):
        data = (VECTORS / "report-batch.msgpack").read_bytes()
        merged, one = decode(data), decode(data)
        merge(merged, decode(data))
        name = "checkout{plan=pro}"
        self.assertEqual(merged["steps"][name]["count"], 2 * one["steps"][name]["count"])
        self.assertEqual(merged["steps"][name]["duration"][2], 2 * one["steps"][name]["duration"][2])
        self.assertEqual(merged["checks"]["has token"], {"passed": 10, "failed": 2})
        self.assertEqual((merged["metrics"]["a gauge"]["min"], merged["metrics"]["a gauge"]["sum"]), (-2.5, 11))
        self.assertEqual((merged["metrics"]["a trend"]["refused"], merged["metrics"]["a trend"]["trend"][2]), (2, 25_500_000))
        none = decode(Measure().batches(1)[-1])
        merge(none, decode(data))
        self.assertEqual(none["metrics"], one["metrics"])


if __name__ == "__main__":
    unittest.main()
