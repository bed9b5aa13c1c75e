import itertools
import math
import random
import unittest

import bench_record  # noqa: F401  (finds scripts/bench)
import significance


def p_by_definition(a, b):
    """All ways to choose which of the pooled values are a's; U counts pairs, ties for a half."""
    def distance(chosen, rest):
        u = sum((x > y) + (x == y) / 2 for x in chosen for y in rest)
        return abs(u - len(chosen) * len(rest) / 2)

    pooled, observed, extreme, ways = [*a, *b], distance(a, b), 0, 0
    for places in itertools.combinations(range(len(pooled)), len(a)):
        chosen = [pooled[i] for i in places]
        rest = [pooled[i] for i in range(len(pooled)) if i not in places]
        extreme += distance(chosen, rest) >= observed - 1e-12
        ways += 1
    return extreme / ways


class Quartiles(unittest.TestCase):
    def test_by_hand(self):
        self.assertEqual(significance.quartiles([5, 1, 3, 2, 4]), (2, 3, 4))
        self.assertEqual(significance.quartiles([4, 1, 3, 2]), (1.75, 2.5, 3.25))
        self.assertEqual(significance.quartiles([7]), (7, 7, 7))

    def test_spread_is_relative(self):
        self.assertAlmostEqual(significance.spread([90, 100, 110, 100, 100]), 0.0)
        self.assertAlmostEqual(significance.spread([80, 90, 100, 110, 120]), 0.1)


class RankSum(unittest.TestCase):
    def test_published_values(self):
        # Five against five, apart: two of the C(10,5) = 252 ways are as extreme.
        self.assertAlmostEqual(significance.rank_sum_p([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]), 2 / 252)
        self.assertAlmostEqual(significance.rank_sum_p([1, 2, 3, 4], [5, 6, 7, 8]), 2 / 70)

    def test_is_the_definition_with_and_without_ties(self):
        draw = random.Random(1)
        for _ in range(60):
            n, m = draw.randint(1, 5), draw.randint(1, 6)
            top = draw.choice([3, 1000])  # many ties, few ties
            a, b = ([draw.randint(0, top) for _ in range(k)] for k in (n, m))
            self.assertAlmostEqual(significance.rank_sum_p(a, b), p_by_definition(a, b), msg=f"{a} {b}")

    def test_all_equal_says_nothing(self):
        self.assertEqual(significance.rank_sum_p([3] * 5, [3] * 6), 1)

    def test_nan_is_an_error(self):
        with self.assertRaises(ValueError):
            significance.rank_sum_p([1, math.nan], [1, 2])

    def test_false_alarms_are_as_rare_as_stated(self):
        draw = random.Random(2)
        alarms = sum(significance.rank_sum_p([draw.random() for _ in range(6)], [draw.random() for _ in range(6)])
                     < significance.ALPHA for _ in range(2000))
        self.assertLessEqual(alarms, 2000 * significance.ALPHA + 3 * math.sqrt(2000 * significance.ALPHA))


class Verdict(unittest.TestCase):
    old = bench_record.around(100.0)

    def test_words(self):
        for factor, lower, word in ((1.1, True, "slower"), (0.9, True, "faster"), (1.1, False, "faster"),
                                    (0.9, False, "slower"), (1.0, True, "same"), (1.02, True, "same")):
            new = [factor * x for x in bench_record.around(100.0, seed=1)]
            self.assertEqual(significance.verdict(self.old, new, lower)["verdict"], word, f"{factor} {lower}")

    def test_a_large_change_of_noise_is_same(self):
        old, new = [90, 100, 150, 95, 140, 120], [130, 100, 160, 150, 92, 145]
        self.assertEqual(significance.verdict(old, new)["verdict"], "same")

    def test_the_interval_holds_the_change(self):
        result = significance.verdict(self.old, [1.1 * x for x in bench_record.around(100.0, seed=1)])
        low, high = result["interval"]
        self.assertLess(low, result["change"])
        self.assertLess(result["change"], high)
        self.assertGreater(low, 0.05)


if __name__ == "__main__":
    unittest.main()
