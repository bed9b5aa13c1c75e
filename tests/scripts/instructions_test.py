import unittest

import bench_record  # noqa: F401  (finds scripts/bench)
import instructions


class Compare(unittest.TestCase):
    def good(self, recorded, counted):
        return instructions.compare(recorded, counted)[1]

    def test_within_two_percent(self):
        self.assertTrue(self.good({"a": 10000}, {"a": 10200}))
        self.assertTrue(self.good({"a": 10000}, {"a": 9800}))
        self.assertFalse(self.good({"a": 10000}, {"a": 10201}))
        self.assertFalse(self.good({"a": 10000}, {"a": 9799}))

    def test_each_has_a_record(self):
        self.assertFalse(self.good({"a": 10000}, {}))
        self.assertFalse(self.good({}, {"a": 10000}))

    def test_recording_costs_three_percent_at_most(self):
        self.assertTrue(instructions.recording({"a, plain": 1000, "a, recorded": 1030, "b, fused": 1})[1])
        lines, good = instructions.recording({"a, plain": 1000, "a, recorded": 1031})
        self.assertFalse(good)
        self.assertIn("too much", lines[0])

    def test_compiler(self):
        self.assertTrue(instructions.same_compiler("c++ (Debian 12.2.0-14) 12.2.0", "g++ (Debian 12.2.0-14) 12.2.0"))
        self.assertFalse(instructions.same_compiler("g++ (Debian 12.2.0-14) 12.2.0", "g++ (Debian 13.2.0-1) 13.2.0"))


if __name__ == "__main__":
    unittest.main()
