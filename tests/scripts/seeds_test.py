"""scripts/seeds/seeds.py against published and hand-computed values."""

import math
import pathlib
import random
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "seeds"))
import seeds


class ClopperPearson(unittest.TestCase):
    def test_all_and_none_have_a_closed_form(self):
        for n in (1, 10, 20, 100):
            self.assertAlmostEqual(seeds.clopper_pearson(n, n)[0], 0.025 ** (1 / n), places=12)
            self.assertEqual(seeds.clopper_pearson(n, n)[1], 1)
            self.assertAlmostEqual(seeds.clopper_pearson(0, n)[1], 1 - 0.025 ** (1 / n), places=12)
            self.assertEqual(seeds.clopper_pearson(0, n)[0], 0)

    def test_tabulated_values(self):
        # Beta quantiles, e.g. R's binom.test(4, 20) and binom.test(7, 10).
        for k, n, low, high in ((4, 20, 0.05733, 0.43661), (7, 10, 0.34755, 0.93326), (1, 30, 0.00084, 0.17217)):
            got = seeds.clopper_pearson(k, n)
            self.assertAlmostEqual(got[0], low, places=4)
            self.assertAlmostEqual(got[1], high, places=4)

    def test_the_ends_have_the_stated_tails(self):
        for k, n in ((1, 5), (3, 17), (50, 100)):
            low, high = seeds.clopper_pearson(k, n, 0.9)
            self.assertAlmostEqual(1 - seeds.binomial_at_most(k - 1, n, low), 0.05, places=9)
            self.assertAlmostEqual(seeds.binomial_at_most(k, n, high), 0.05, places=9)

    def test_impossible_counts_are_refused(self):
        for k, n in ((-1, 5), (6, 5), (0, 0)):
            with self.assertRaises(ValueError):
                seeds.clopper_pearson(k, n)


class Means(unittest.TestCase):
    def test_the_standard_deviation_is_the_samples(self):
        self.assertEqual(seeds.mean_std([1, 2, 3, 4], 3), "2.500 ± 1.291")  # sqrt(5/3), not sqrt(5/4)
        self.assertEqual(seeds.mean_std([7], 1), "7.0 ± 0.0")

    def test_the_interval_covers_the_mean_about_as_often_as_stated(self):
        draw = random.Random(3)
        covered = 0
        for i in range(200):
            low, high = seeds.mean_interval([draw.gauss(1, 2) for _ in range(30)], resamples=400, seed=i)
            covered += low <= 1 <= high
        self.assertGreater(covered, 200 * 0.95 - 4 * math.sqrt(200 * 0.95 * 0.05))

    def test_pairs_cancel_what_they_share(self):
        a, b = [10, 200, 3000], [9, 199, 2999]
        difference, (low, high) = seeds.paired_difference(a, b)
        self.assertEqual((difference, low, high), (1, 1, 1))
        with self.assertRaises(ValueError):
            seeds.paired_difference([1, 2], [1])


if __name__ == "__main__":
    unittest.main()
