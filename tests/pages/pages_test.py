"""Every page of bellman and of scripts/bench.sh in a real browser: clicked, stepped, hovered, keyed, its numbers read back.

    python3 tests/pages/pages_test.py --bellman build/release/bin/bellman [--python PYTHON] [--pictures DIR]
"""

import argparse
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from chromium import Chromium  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/bench"))
import compare  # noqa: E402
import headlines  # noqa: E402
import page as bench_page  # noqa: E402
import records  # noqa: E402

ARGUMENTS = argparse.ArgumentParser()
ARGUMENTS.add_argument("--bellman", required=True)
ARGUMENTS.add_argument("--python", default=str(ROOT / "build/python/venv/bin/python"), help="one with Gymnasium: scripts/python_environment.sh makes it")
ARGUMENTS.add_argument("--pictures", help="where pictures of every page are left: wide, dark and 400 pixels wide")


def bellman(*words):
    done = subprocess.run([OPTIONS.bellman, *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"bellman {' '.join(words)}: {done.stderr}")
    return done.stdout


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        os.chdir(cls.folder.name)
        short = ["--total-timesteps", "2000", "--learning-starts", "100", "--eval-frequency", "1000", "--final-eval-episodes", "3", "--eval-episodes", "3"]
        bellman("train", "--env-id", "CartPole-v1", "--network", "dense 8, relu", "--prioritized", "--double", "--run-dir", "cart", *short)
        bellman("train", "--env-id", "GridWorld-v0", "--observation", "planes", "--network", "conv 3 3x3 padding 1, relu, flatten, dense 8, relu",
                "--run-dir", "grid", *short)
        bellman("explain", "--run-dir", "cart", "--step", "100", "--sample", "1", "-o", "explain.html")
        bellman("explain", "--run-dir", "grid", "--step", "100", "-o", "explain-conv.html")
        bellman("report", "cart", "-o", "report.html")
        bellman("report", "grid", "-o", "report-grid.html")
        bellman("watch", "--checkpoint", "cart/model.safetensors", "--record", "watch.html")
        os.environ["PYTHONPATH"] = str(ROOT / "tests/envs/process")
        drawing = ["--env-id", "gymnasium:odd_envs:Drawing-v0", "--python", OPTIONS.python]
        bellman("train", *drawing, "--network", "dense 8, relu", "--run-dir", "drawing", *short, "--no-report")
        bellman("watch", "--checkpoint", "drawing/model.safetensors", *drawing, "--record", "watch-frames.html", "--episodes", "2")
        bellman("lab", "relu-gradient-at-negative", "--seeds", "1", "-o", "lab.html")
        bellman("sweep", "--sweep-dir", "sweep", "--env-id", "CartPole-v1", "--preset", "none", "--network", "dense 8, relu",
                "--seeds", "1-3", "--grid", "learning_rate=1e-3,1e-4", *short)
        os.rename("sweep/sweep.html", "sweep.html")
        bellman("gradcheck", "--sweep", "-o", "gradcheck.html")
        bellman("course", "5", "-o", "course-5.html")
        record = records.read(max((ROOT / "bench/records").glob("2*.json")))
        pathlib.Path("bench.html").write_text(bench_page.html_text(record, headlines.headlines(record["rows"]), compare.compare(record, record)))
        cls.pages = sorted(name for name in os.listdir(".") if name.endswith(".html"))
        cls.browser = Chromium()

    @classmethod
    def tearDownClass(cls):
        cls.browser.__exit__()
        cls.folder.cleanup()

    def test_every_page_loads_without_a_complaint(self):
        for page in self.pages:
            for name, width, dark in (("wide", 1000, False), ("dark", 1000, True), ("phone", 400, False)):
                with self.subTest(page=page, width=width, dark=dark):
                    self.browser.open(page, width=width, dark=dark)
                    self.assertEqual(self.browser.messages, [])
                    self.assertLessEqual(self.browser.run("document.scrollingElement.scrollWidth"), width)
                    self.assertLess(os.path.getsize(page), 3_000_000)
                    if OPTIONS.pictures:
                        self.browser.picture(os.path.join(OPTIONS.pictures, f"{page[:-5]}-{name}.png"))

    def test_colours_follow_the_scheme(self):
        self.browser.open("report.html")
        light = self.browser.run("getComputedStyle(document.body).backgroundColor")
        self.browser.open("report.html", dark=True)
        self.assertNotEqual(self.browser.run("getComputedStyle(document.body).backgroundColor"), light)

    def test_the_policy_stops_what_is_not_the_pages_own(self):
        self.browser.open("explain.html")
        self.browser.run("document.body.insertAdjacentHTML('beforeend', '<img src=\"http://127.0.0.1:1/x\" onerror=\"window.ran = 1\">')")
        self.browser.run("(() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s); })()")
        self.assertIsNone(self.browser.run("window.ran"))
        self.assertTrue(any("Content Security Policy" in m for m in self.browser.messages), self.browser.messages)

    def test_an_environment_s_own_frames_are_seen_and_change(self):
        self.browser.open("watch-frames.html")
        seen = []
        for step in range(7):
            self.browser.run(f"(() => {{ const s = document.querySelector('input[type=range]'); s.value = {step}; s.dispatchEvent(new Event('input')); }})()")
            seen.append(self.browser.run("document.querySelector('image').getAttribute('href')"))
            self.browser.run(f"window.decoded = ''; (() => {{ const i = new Image(); i.onload = () => {{ window.decoded = `${{i.width}} x ${{i.height}}`; }};"
                             "i.onerror = () => { window.decoded = 'broken'; }; i.src = document.querySelector('image').getAttribute('href'); })()")
            while not self.browser.run("window.decoded"):
                pass
            self.assertEqual(self.browser.run("window.decoded"), "150 x 100")
        self.assertEqual(len(set(seen)), 7)
        self.assertEqual(self.browser.run("Math.round(document.querySelector('image').getBoundingClientRect().width)"), 560)
        self.assertEqual(self.browser.run("document.querySelector('.controls span').textContent.split(':')[0]"), "step 6")
        self.assertEqual(self.browser.messages, [])

    def shown_steps(self):
        return self.browser.run("[...document.querySelectorAll('[data-step]')].filter(s => !s.hidden).map(s => s.dataset.step)")

    def test_steps_by_key_and_by_button(self):
        self.browser.open("explain.html")
        count = self.browser.run("document.querySelectorAll('[data-step]').length")
        self.assertEqual(count, 11)
        seen = []
        for _ in range(count):
            self.assertEqual(len(self.shown_steps()), 1)
            seen += self.shown_steps()
            self.browser.press("ArrowRight")
        self.assertEqual(len(set(seen)), count)
        self.browser.press("ArrowRight")
        self.assertEqual(self.shown_steps(), seen[-1:])
        self.browser.press("ArrowLeft")
        self.assertEqual(self.shown_steps(), seen[-2:-1])
        self.browser.run("[...document.querySelectorAll('button')].find(b => b.textContent == 'Show all').click()")
        self.assertEqual(self.shown_steps(), seen)

    def test_a_number_lights_up_what_it_is_made_of(self):
        self.browser.open("explain.html")
        self.browser.run("[...document.querySelectorAll('button')].find(b => b.textContent == 'Show all').click()")
        self.browser.point_at('[data-id="delta"]')
        lit = self.browser.run("['lit', 'source', 'use'].map(c => [...document.querySelectorAll('.' + c)].map(e => e.dataset.id))")
        self.assertIn("delta", lit[0])
        self.assertEqual(set(lit[1]), {"y", "q"})
        self.assertTrue(lit[2])
        self.browser.run("document.querySelector('[data-id=\"y\"]').focus()")
        self.assertEqual(self.browser.run("document.querySelector('.lit').dataset.id"), "y")

    def numbers(self, tensor):
        """The numbers of a row on the page, by element; their titles hold nine digits."""
        titles = self.browser.run(f"[...document.querySelectorAll('[data-id^=\"{tensor}:\"]')].map(e => [e.dataset.id, e.title || e.textContent])")
        return {int(name.split(":")[1]): float(title.rsplit("= ", 1)[1]) for name, title in titles}

    def test_numbers_read_from_the_page_follow_the_definition(self):
        """Layer 0 of transition 1, from the page's x and the run's weights, and the error from its parts."""
        self.browser.open("explain.html")
        everything = json.loads(bellman("show", "--run-dir", "cart", "--step", "100", "--json"))
        tensors = {t["name"]: t for t in everything["tensors"]}
        x = self.numbers("a0")
        self.assertEqual(len(x), 4)
        y, z = self.numbers("a1"), self.numbers("a2")
        weights, biases = tensors["theta.0.weight"]["values"], tensors["theta.0.bias"]["values"]
        for j in range(8):
            expected = sum(weights[4 * j + i] * x[i] for i in range(4)) + biases[j]
            self.assertAlmostEqual(y[j], expected, delta=1e-5 * (1 + abs(expected)))
            self.assertAlmostEqual(z[j], max(0.0, y[j]), delta=1e-7 * (1 + abs(y[j])))

        def single(name):
            return float(self.browser.run(f"document.querySelector('[data-id=\"{name}\"]').title").rsplit("= ", 1)[1])

        self.assertAlmostEqual(single("delta"), single("y") - single("q"), delta=1e-5 * (1 + abs(single("y"))))
        following = self.numbers("next_q")
        terminated = tensors["terminated"]["values"][1]
        chooser = self.numbers("next_q_online")
        best = max(chooser, key=chooser.get)
        expected = single("reward") + single("discount") * (1 - terminated) * following[best]
        self.assertAlmostEqual(single("y"), expected, delta=1e-5 * (1 + abs(expected)))

    def test_players_play(self):
        self.browser.open("watch.html")
        place = "document.querySelector('figure .shape-4').getAttribute('x2')"
        before = self.browser.run(place)
        self.browser.run("(() => { const s = document.querySelector('input[type=range]'); s.value = 5; s.dispatchEvent(new Event('input')); })()")
        self.assertNotEqual(self.browser.run(place), before)
        self.browser.run("[...document.querySelectorAll('button')].find(b => b.textContent == 'Play').click()")
        self.assertEqual(self.browser.run("document.querySelector('button').textContent"), "Pause")
        self.browser.open("explain-conv.html")
        self.assertGreater(self.browser.run("document.querySelectorAll('[data-player]').length"), 0)

    def test_a_graph_of_formulas_follows_sliders_dragging_and_keys(self):
        text = pathlib.Path("course-5.html").read_text()

        def without_script(kind):
            return {name: float(number) for name, number in re.findall(rf'data-{kind}="(\w+)">([^<]+)<', text)}

        def shown(kind):
            return self.browser.run(f"Object.fromEntries([...document.querySelectorAll('[data-{kind}]')].map(e => [e.dataset.{kind}, Number(e.textContent)]))")

        def check(leaves):
            """All that is shown, from the leaves: the chain rule written out."""
            n = dict(leaves)
            for unit in "12":
                n["z" + unit] = n[f"w{unit}1"] * n["x1"] + n[f"w{unit}2"] * n["x2"] + n["b" + unit]
                n["h" + unit] = math.tanh(n["z" + unit])
            n["y"] = n["v1"] * n["h1"] + n["v2"] * n["h2"] + n["c"]
            n["L"] = (n["y"] - n["t"]) ** 2 / 2
            g = {"L": 1, "y": n["y"] - n["t"], "t": n["t"] - n["y"], "c": n["y"] - n["t"], "x1": 0, "x2": 0}
            for unit in "12":
                g["v" + unit], g["h" + unit] = g["y"] * n["h" + unit], g["y"] * n["v" + unit]
                g["z" + unit] = g["b" + unit] = g["h" + unit] * (1 - n["h" + unit] ** 2)
                for i in "12":
                    g[f"w{unit}{i}"] = g["z" + unit] * n["x" + i]
                    g["x" + i] += g["z" + unit] * n[f"w{unit}{i}"]
            for kind, expected in (("value", n), ("gradient", g), ("nudged", {name: g[name] for name in leaves})):
                found = shown(kind)
                self.assertEqual(set(found), set(expected))
                for name, number in expected.items():
                    self.assertAlmostEqual(found[name], number, delta=1e-3 * abs(number) + 1e-6, msg=f"{kind} of {name}")

        self.browser.open("course-5.html")
        start = {kind: without_script(kind) for kind in ("value", "gradient", "nudged")}
        for kind, numbers in start.items():
            self.assertEqual(shown(kind), numbers)
        leaves = {name: start["value"][name] for name in start["nudged"]}
        check(leaves)

        def slide(name, number):
            self.browser.run(f"(() => {{ const s = document.querySelector('[data-slider=\"{name}\"] input'); s.value = {number}; s.dispatchEvent(new Event('input')); }})()")
            leaves[name] = number

        slide("w11", 1.25)
        check(leaves)
        slide("t", -0.5)
        check(leaves)

        width = self.browser.run("document.querySelector('svg.graph').getBoundingClientRect().width")
        self.assertGreater(width, 500)
        self.browser.drag('[data-node="x2"]', -40)
        moved = shown("value")["x2"] - leaves["x2"]
        self.assertAlmostEqual(moved, 0.6, delta=1e-3)
        leaves["x2"] += moved
        check(leaves)
        self.browser.run("document.querySelector('[data-node=\"b2\"]').focus()")
        self.browser.press("ArrowDown")
        leaves["b2"] -= 0.1
        check(leaves)
        self.assertAlmostEqual(float(self.browser.run("document.querySelector('[data-node=\"b2\"]').getAttribute('aria-valuenow')")), leaves["b2"])

        before, gradient = shown("value"), shown("gradient")
        click = "[...document.querySelectorAll('button')].find(b => b.textContent.startsWith('{}')).click()"
        self.browser.run(click.format("One gradient step"))
        after = shown("value")
        self.assertLess(after["L"], before["L"])
        for name in leaves:
            step = 0 if name in ("x1", "x2", "t") else -0.1 * gradient[name]
            self.assertAlmostEqual(after[name], before[name] + step, delta=1e-3)
        self.browser.run(click.format("Back to the start"))
        for kind, numbers in start.items():
            self.assertEqual(shown(kind), numbers)
        self.assertEqual(self.browser.messages, [])

    def test_charts_have_names_and_numbers(self):
        for page in self.pages:
            self.browser.open(page)
            unnamed = self.browser.run("[...document.querySelectorAll('svg[role=img]')].filter(s => !s.getAttribute('aria-label')).length")
            self.assertEqual(unnamed, 0, page)
            charts = self.browser.run("[...document.querySelectorAll('figure')].filter(f => f.querySelector('svg.chart') && !f.querySelector('table')).length")
            self.assertEqual(charts, 0, page)


if __name__ == "__main__":
    OPTIONS, rest = ARGUMENTS.parse_known_args()
    OPTIONS.bellman = os.path.abspath(OPTIONS.bellman)
    OPTIONS.python = os.path.abspath(OPTIONS.python)
    if OPTIONS.pictures:
        OPTIONS.pictures = os.path.abspath(OPTIONS.pictures)
        os.makedirs(OPTIONS.pictures, exist_ok=True)
    unittest.main(argv=sys.argv[:1] + rest)
