import os
import pathlib
import tempfile
import unittest

from loads.spool import Spool
from loads.store import Store, read_counters
from loads.wire import message

EPOCH = "00000000000000ab"


def result(number, **content):
    return message("result", run="r", agent="a", epoch=EPOCH, seq=number, **(content or {"report": b"x" * 20}))


class StoreTests(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name + "/spool"
        self.troubles = []

    def store(self, **options):
        return Store(self.directory, self.troubles.append, **options)

    def filled(self, count, **options):
        """A spool whose process then was killed: nothing is closed or written at the end."""
        store = self.store(**options)
        store.begin("r", EPOCH)
        spool = Spool(store=store)
        for number in range(1, count + 1):
            spool.add("r", number, result(number), (number, number - 1, 10 * number))
        return store, spool

    def segments(self):
        return sorted(name for name in os.listdir(self.directory + "/r") if name.endswith(".seg"))

    def test_what_was_not_acknowledged_is_there_after_a_restart(self):
        self.filled(3)
        epoch, [run] = self.store().recover()
        self.assertEqual((epoch, run.run, run.first, run.counts, run.ended), (EPOCH, "r", 1, (3, 2, 30), False))
        store = self.store()
        _, [run] = store.recover()
        spool = Spool(store=store)
        for number, place in enumerate(run.places, run.first):
            spool.recover("r", number, place)
        sent = []
        while entry := spool.next(0):
            sent.append(spool.read(entry))
        self.assertEqual(sent, [result(1), result(2), result(3)], "byte for byte")

    def test_numbers_go_on_after_a_restart(self):
        self.filled(2)
        store = self.store()
        store.recover()
        store.append("r", result(3, ended={"state": "finished"}), 3, (0, 0, 0))
        _, [run] = self.store().recover()
        self.assertEqual((len(run.places), run.ended), (3, True))

    def test_whole_files_go_when_they_are_acknowledged(self):
        store, spool = self.filled(10, segment_bytes=300)
        self.assertGreater(len(self.segments()), 3)
        spool.acknowledge("r", 9, 0)
        _, [run] = self.store().recover()
        self.assertEqual(run.first + len(run.places) - 1, 10)
        self.assertGreater(run.first, 6)
        spool.acknowledge("r", 10, 0)
        self.assertEqual(self.segments(), ["0000000000000000010.seg"], "empty, and knows its number")
        _, [run] = self.store().recover()
        self.assertEqual((run.first, run.places), (11, []))
        spool.forget("r")
        self.assertIsNone(self.store().recover())

    def test_a_run_may_have_any_name_also_that_of_a_file_of_the_store(self):
        store = self.store()
        for run in ("epoch", "epoch.new", "counters"):
            store.begin(run, EPOCH)
            self.assertTrue(store.append(run, result(1), 1, (0, 0, 0)))
        epoch, runs = self.store().recover()
        self.assertEqual((epoch, [run.run for run in runs]), (EPOCH, ["counters", "epoch", "epoch.new"]))
        self.assertEqual(self.troubles, [])

    def test_without_anything_to_recover_the_epoch_is_forgotten(self):
        _, spool = self.filled(1)
        spool.forget("r")
        self.assertIsNone(self.store().recover())
        self.assertEqual(os.listdir(self.directory), [])

    def test_what_is_torn_is_cut_off(self):
        self.filled(3)
        path = pathlib.Path(self.directory, "r", self.segments()[0])
        whole = path.read_bytes()
        for cut in (1, 30, 60):
            path.write_bytes(whole[:-cut])
            _, [run] = self.store().recover()
            self.assertEqual(len(run.places), 2)
        path.write_bytes(whole[:-1] + b"!")
        _, [run] = self.store().recover()
        self.assertEqual(len(run.places), 2, "and what is damaged")

    def test_behind_a_hole_nothing_is_recovered(self):
        self.filled(10, segment_bytes=300)
        names = self.segments()
        os.unlink(f"{self.directory}/r/{names[1]}")
        _, [run] = self.store().recover()
        self.assertEqual(run.first, 1)
        self.assertEqual(len(run.places), int(names[1][:19]))
        self.assertEqual(self.segments(), names[:1])

    def test_another_epochs_files_are_removed(self):
        self.filled(3)
        with open(self.directory + "/.epoch", "w") as file:
            file.write("00000000000000cd")
        self.assertIsNone(self.store().recover())
        self.assertEqual(os.listdir(self.directory), [])

    def test_a_number_beyond_the_disks_begins_a_new_file(self):
        self.filled(3)
        store = self.store()
        store.recover()
        store.append("r", result(8), 8, (0, 0, 0))
        _, [run] = self.store().recover()
        self.assertEqual((run.first, len(run.places)), (8, 1))

    def test_what_the_counters_know_and_no_result_holds_is_missing(self):
        self.filled(2)
        with open(self.directory + "/r/counters", "wb") as file:
            for slot in range(2):
                file.write(b"".join(number.to_bytes(8, "little") for number in (3, 2, 15)).ljust(64, b"\0"))
        self.assertEqual(read_counters(self.directory + "/r/counters"), (6, 4, 30))
        _, [run] = self.store().recover()
        self.assertEqual(run.unreported, (4, 3, 10))

    def test_a_full_disk_is_said_and_memory_goes_on(self):
        store, spool = self.filled(2)
        # A descriptor that cannot be written to stands for a disk that is full.
        segment = store._segments["r"][-1]
        os.close(segment.descriptor)
        segment.descriptor = os.open("/dev/full", os.O_RDWR)
        spool.add("r", 3, result(3))
        self.assertIn("kept in memory only", self.troubles[0])
        self.assertFalse(store.working)
        entries = [spool.next(0) for _ in range(3)]
        self.assertEqual([spool.read(entry) for entry in entries], [result(1), result(2), result(3)])
        self.assertIsNone(self.store().recover(), "what has holes is not gone on with")

    def test_beyond_the_memorys_limit_results_are_on_disk_only(self):
        store = self.store()
        store.begin("r", EPOCH)
        spool = Spool(limit=100, disk_limit=200, store=store)
        for number in range(1, 5):
            spool.add("r", number, bytes([number]) * 40)
        self.assertFalse(spool.full)
        spool.add("r", 5, bytes([5]) * 40)
        self.assertTrue(spool.full)
        entries = [spool.next(0) for _ in range(5)]
        self.assertEqual([entry.data is None for entry in entries], [False, False, True, True, True])
        self.assertEqual([spool.read(entry)[0] for entry in entries], [1, 2, 3, 4, 5])
        spool.acknowledge("r", 5, 0)
        self.assertEqual((len(spool), spool.bytes, spool._memory, spool._flying_bytes), (0, 0, 0, 0))


if __name__ == "__main__":
    unittest.main()
