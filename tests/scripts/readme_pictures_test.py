"""README's pictures are those of the committed records."""

import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import readme_pictures


class ReadmePicturesTest(unittest.TestCase):
    def test_the_committed_pictures_are_drawn_from_the_records(self):
        for name, draw in readme_pictures.PICTURES.items():
            with self.subTest(name):
                self.assertEqual((ROOT / f"docs/images/{name}.svg").read_text(), draw())
                self.assertIn(f"docs/images/{name}.svg", (ROOT / "README.md").read_text())

    def test_a_time_has_the_unit_that_fits(self):
        self.assertEqual([readme_pictures.written(t) for t in (24.34, 494.2, 1096.3, 26_600.0)],
                         ["24.3 µs", "494 µs", "1.10 ms", "26.6 ms"])

    def test_a_rate_becomes_the_time_of_a_step(self):
        self.assertEqual(readme_pictures.microseconds({"unit": "steps/s", "samples": [2e4, 5e4, 1e5]}), 20)


if __name__ == "__main__":
    unittest.main()
