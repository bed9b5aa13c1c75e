"""The lists of seeded bugs (tests/mutants): every entry applies to the sources as they are, and names a test that exists."""

import fnmatch
import pathlib
import re
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "mutants"))

import mutant_lists  # noqa: E402
import mutants  # noqa: E402

ENTRY = """# a comment
## the sum is a difference
file a.cpp
old  x +
     y
new  x - y
test sums_tests adds, and more*
"""


class Lists(unittest.TestCase):
    def test_every_entry_applies(self):
        for mutant in mutants.read_all(ROOT):
            with self.subTest(mutant.slug):
                mutants.check_applies(ROOT, mutant)

    def test_there_are_many_everywhere(self):
        counts = {}
        for mutant in mutants.read_all(ROOT):
            counts[mutant.area] = counts.get(mutant.area, 0) + 1
        self.assertGreaterEqual(sum(counts.values()), 100)
        for area in ("core", "cuda", "envs"):
            self.assertGreaterEqual(counts.get(area, 0), 10, area)

    def test_every_entry_names_a_case_that_exists(self):
        programs, cases = set(), []
        for path in (ROOT / "tests").rglob("CMakeLists.txt"):
            programs.update(re.findall(r"bellman_(?:command_)?test\((\w+)", path.read_text(encoding="utf-8")))
        for path in (ROOT / "tests").rglob("*.cpp"):
            cases += re.findall(r'TEST_CASE\(\s*"((?:[^"\\]|\\.)*)"', path.read_text(encoding="utf-8"))
        for mutant in mutants.read_all(ROOT):
            with self.subTest(mutant.slug):
                self.assertIn(mutant.program, programs)
                self.assertTrue(any(fnmatch.fnmatchcase(case, mutant.cases) for case in cases), mutant.cases)


class Format(unittest.TestCase):
    def setUp(self):
        (self.mutant,) = mutant_lists.parse(ENTRY, "core")

    def test_an_entry_is_read(self):
        self.assertEqual(self.mutant.old, "x + y")
        self.assertEqual((self.mutant.program, self.mutant.cases), ("sums_tests", "adds, and more*"))
        self.assertEqual(self.mutant.slug, "core-the-sum-is-a-difference")

    def test_blanks_and_line_ends_do_not_matter(self):
        self.assertEqual(mutants.changed("return x\n    +  y;\n", self.mutant), "return x - y;\n")

    def test_an_entry_that_does_not_apply_is_an_error(self):
        for text in ("return y + x;\n", "f(x + y, x + y);\n"):
            with self.assertRaisesRegex(mutants.BadList, "does not apply any more"):
                mutants.changed(text, self.mutant)
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(mutants.BadList, "there is no file a.cpp"):
                mutants.check_applies(pathlib.Path(folder), self.mutant)

    def test_an_entry_that_is_not_whole_is_an_error(self):
        for key in ("file", "old", "new", "test"):
            lines = [line for line in ENTRY.splitlines() if not line.startswith(key) and line != "     y"]
            with self.assertRaises(mutants.BadList):
                mutant_lists.parse("\n".join(lines), "core")
        with self.assertRaises(mutants.BadList):
            mutant_lists.parse(ENTRY + "colour red\n", "core")

    def test_the_table_counts_what_was_not_noticed(self):
        text, bad = mutants.summary([self.mutant], {self.mutant.slug: {"verdict": "SURVIVED"}})
        self.assertEqual(bad, 1)
        self.assertEqual(text.splitlines()[-1].split(), ["all", "1", "0", "1", "0"])


if __name__ == "__main__":
    unittest.main()
