"""The course holds what it says: every console block of docs/course is run and its output compared, every picture is made
again, every chapter has its parts, and the quickest row of the textbook's tables is measured again (all: knobs.py).

    python3 tests/course/course_test.py --bellman build/release/bin/bellman [--chapter N]
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import chapters  # noqa: E402
import knobs  # noqa: E402

ARGUMENTS = argparse.ArgumentParser()
ARGUMENTS.add_argument("--bellman", required=True)
ARGUMENTS.add_argument("--chapter", type=int, help="this one alone")

PARTS = ["## Predict", "## Run it", "## What to look at", "## Exercises", "## A planted bug"]
WORDS_A_MINUTE, MINUTES = 200, 20


def run(line, folder):
    environment = dict(os.environ, PATH=f"{BIN}:{os.environ['PATH']}", NO_COLOR="1")
    return subprocess.run(["bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


class Course(unittest.TestCase):
    def each_page(self, check):
        """check(page, text) for each chapter; one that fails does not hide the next."""
        for page in chapters.chapter_pages():
            if OPTIONS.chapter in (None, int(page.name[:2])):
                with self.subTest(chapter=page.name):
                    check(page, page.read_text())

    def test_every_command_prints_what_the_page_promises(self):
        def check(page, text):
            found = chapters.commands(text)
            self.assertGreaterEqual(len(found), 4, "a run and three answers")
            with tempfile.TemporaryDirectory() as folder:
                is_same = False  # trainings rounded as on the page: then nothing else may differ
                for command in found:
                    with self.subTest(command=command.line):
                        done = run(command.line, folder)
                        self.assertEqual(done.returncode, 0, done.stderr)
                        printed = done.stdout.splitlines()
                        is_same = is_same or chapters.same_trainings(command.expected, printed)
                        complaints = chapters.differences(command.expected, printed, 0 if is_same else command.within)
                        self.assertFalse(complaints, "\n" + "\n".join(complaints))

        self.each_page(check)

    def test_every_picture_is_what_its_command_draws(self):
        def check(page, text):
            found = chapters.pictures(text)
            self.assertTrue(found, "no picture with the command that makes it")
            for line, file, exact in found:
                self.assertIn(f"]({file})", text)
                with tempfile.TemporaryDirectory() as folder:
                    os.mkdir(os.path.join(folder, "images"))
                    done = run(line, folder)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    kept, drawn = (chapters.COURSE / file).read_text(), pathlib.Path(folder, file).read_text()
                if exact:
                    kept, drawn = (re.sub("<style>.*?</style>", "", picture, flags=re.DOTALL).splitlines() for picture in (kept, drawn))
                    self.assertFalse(chapters.differences(kept, drawn, 0.01), "scripts/course.sh makes the pictures again")
                else:  # another processor rounds training otherwise, but draws the same kinds of shapes
                    self.assertEqual(*({name for name in re.findall("<([a-z]+)", picture)} for picture in (kept, drawn)))

        self.each_page(check)

    def test_every_chapter_has_its_parts_and_reads_in_twenty_minutes(self):
        numbers = []

        def check(page, text):
            numbers.append(int(page.name[:2]))
            places = [text.find("\n" + part) for part in PARTS]
            self.assertNotIn(-1, places, f"the parts are {PARTS}")
            self.assertEqual(places, sorted(places))
            exercises = text[places[3]:places[4]]
            self.assertEqual(len(re.findall(r"<details>", exercises)), 3, "three exercises, each with a folded answer")
            self.assertEqual(len(chapters.commands(exercises)) >= 3, True, "each answer is computed")
            bug = text[places[4]:]
            self.assertRegex(bug, r"bellman lab [a-z-]+")
            self.assertEqual(len(re.findall(r"<details>", bug)), 1, "the bug's answer is folded")
            run_there = {command.line for command in chapters.commands(bug)}
            self.assertTrue(run_there and all(line.startswith("bellman lab ") for line in run_there),
                            "the bug's answer shows what its instruments say")
            self.assertLessEqual(len(text.split()), WORDS_A_MINUTE * MINUTES)

        self.each_page(check)
        if OPTIONS.chapter is None:
            self.assertEqual(numbers, sorted(set(numbers)))

    def test_the_quickest_row_of_the_textbooks_tables_is_true(self):
        text = knobs.PAGE.read_text()
        found = [row for row in knobs.rows(text) if row.options == ["--network", ""]]
        self.assertEqual(len(found), 1)
        summary = knobs.measured(OPTIONS.bellman, knobs.command(text), found[0].options)
        self.assertFalse([line for line in knobs.complaints(found[0], summary) if line.endswith("TOO FAR")])

    def test_a_wrong_table_is_noticed(self):
        text = knobs.PAGE.read_text()
        found = knobs.rows(text)
        self.assertEqual(len(found), 18)
        self.assertEqual({tuple(row.options) for row in found if (row.iqm, row.low) == (found[2].iqm, found[2].low)}, {()},
                         "the program as it is stands in every table, with the same numbers")
        row = knobs.Row("Batch", ["4", "267.0", "237 to 305", "64"], [])
        sound = {"iqm": 267.04, "iqm_low": 237.4, "iqm_high": 304.6, "std": 64.3}
        self.assertEqual(knobs.complaints(row, sound), [])
        self.assertIn("the intervals overlap", knobs.complaints(row, dict(sound, iqm=310, iqm_low=290))[0])
        self.assertIn("TOO FAR", knobs.complaints(row, dict(sound, iqm=340, iqm_low=310, iqm_high=360))[0])

    def test_a_wrong_page_is_noticed(self):
        self.assertTrue(chapters.differences(["a  1.5"], ["a  1.6"], 0))
        self.assertTrue(chapters.differences(["a  1.5"], ["b  1.5"], 0))
        self.assertTrue(chapters.differences(["a  1.5"], ["a  1.5", "b  2"], 0))
        self.assertTrue(chapters.differences(["a  1.5", "b  2"], ["a  1.5"], 0))
        self.assertFalse(chapters.differences(["a  1.5"], ["a  1.5004"], 0))
        self.assertFalse(chapters.differences(["a  1.5"], ["a  1.6"], 0.1))
        self.assertFalse(chapters.differences(["...", "b  2"], ["x", "y", "b  2"], 0))
        self.assertTrue(chapters.same_trainings(["returns  151.2 81.3  (all)"], ["x  1", "returns  151.2 81.3  (all)"]))
        self.assertFalse(chapters.same_trainings(["returns  151.2 81.3  (all)"], ["returns  151.2 83.3  (all)"]))
        self.assertFalse(chapters.same_trainings(["x  1"], ["x  1"]))
        self.assertEqual(chapters.commands("```console within 5 %\n$ one\nout\n$ two\n```\n")[1].line, "two")


if __name__ == "__main__":
    OPTIONS, rest = ARGUMENTS.parse_known_args()
    BIN = tempfile.mkdtemp()
    os.symlink(os.path.abspath(OPTIONS.bellman), os.path.join(BIN, "bellman"))
    try:
        unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
    finally:
        shutil.rmtree(BIN)
