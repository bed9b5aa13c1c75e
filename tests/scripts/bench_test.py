import base64
import hashlib
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from unittest import mock

import bench_record
import compare
import headlines
import measure
import page
import peers
import plots
import records
import report
import svg
from programs import ProgramError

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUN = ROOT / "scripts" / "bench" / "run.py"


def run(*arguments):
    return subprocess.run([sys.executable, RUN, *map(str, arguments)], capture_output=True, text=True)


class Rows(unittest.TestCase):
    report = {"benchmarks": [
        {"name": "a/1", "run_type": "iteration", "cpu_time": 2.0, "real_time": 9.0, "time_unit": "ms", "iterations": 7,
         "label": "l", "GB/s": 3.0},
        {"name": "b/real_time", "run_type": "iteration", "cpu_time": 2.0, "real_time": 8.0, "time_unit": "ns"},
        {"name": "c", "error_occurred": True, "error_message": "wrong"}]}

    def test_google_benchmark(self):
        rows = records.Rows()
        for _ in range(2):
            rows.add_google_benchmark("p", self.report)
        a, b = rows.list()
        self.assertEqual(a, {"program": "p", "name": "a/1", "label": "l", "unit": "us", "samples": [2000.0, 2000.0],
                             "counters": {"GB/s": [3.0, 3.0]}})
        self.assertEqual((b["name"], b["samples"]), ("b", [0.008, 0.008]))
        self.assertEqual(rows.errors, {("p", "c"): "wrong"})

    def test_a_row_that_was_wrong_once_has_no_figures(self):
        rows = records.Rows()
        rows.add("p", "c", "us", 1.0)
        rows.add_google_benchmark("p", self.report)
        self.assertNotIn("c", [row["name"] for row in rows.list()])

    def test_json_and_back(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "r.json"
            record = bench_record.record()
            records.write(path, record)
            self.assertEqual(records.read(path), record)
            record["rows"][0]["samples"][0] = math.nan
            records.write(path, record)
            self.assertIsNone(records.read(path)["rows"][0]["samples"][0])

    def test_what_is_no_record(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "r.json"
            for text in ("", "[]", "{}", '{"schema": 999}'):
                path.write_text(text)
                with self.assertRaises(ValueError):
                    records.read(path)
            with self.assertRaises(ValueError):
                records.read(path / "nowhere")


class Compare(unittest.TestCase):
    def test_finds_what_changed_and_nothing_else(self):
        old = bench_record.record()
        new = bench_record.record(1, {"relu_forward/4096": 1.2, "dense_forward/64x64->64": 0.8, "loop/textbook": 0.9})
        result = compare.compare(old, new)
        words = {(row["program"], row["name"]): row["verdict"] for row in result["rows"]}
        self.assertEqual(words["ops_bench", "relu_forward/4096"], "slower")
        self.assertEqual(words["ops_bench", "dense_forward/64x64->64"], "faster")
        self.assertEqual(words["bellman", "loop/textbook"], "slower")  # fewer steps a second
        self.assertEqual(words["ops_bench", "tanh_forward/4096"], "same")
        self.assertEqual(compare.counts(result), {"slower": 2, "faster": 1, "same": 3})
        self.assertEqual(result["warnings"], [])

    def test_a_slower_machine_is_said(self):
        result = compare.compare(bench_record.record(), bench_record.record(1, {"fma_peak": 1.3}))
        self.assertIn("the machine itself is slower", result["warnings"][0])

    def test_other_programs_are_shown_and_not_counted(self):
        new = bench_record.record(1)
        for row in new["rows"]:
            if row["program"] in headlines.PEERS:
                row["samples"] = [2 * sample for sample in row["samples"]]
        result = compare.compare(bench_record.record(), new)
        self.assertEqual({row["program"] for row in result["peers"]}, {"PyTorch"})
        self.assertEqual([(row["name"], row["verdict"]) for row in result["peers"]],
                         [("sampled_step/4-64-64-2", "slower"), ("loop/textbook", "faster")])
        self.assertEqual(compare.counts(result), {"slower": 0, "faster": 0, "same": 6})
        self.assertIn("PyTorch: sampled_step/4-64-64-2", compare.text(result))
        self.assertIn("PyTorch: sampled_step/4-64-64-2", page.html_text(new, headlines.headlines(new["rows"]), result))

    def test_what_else_may_be_the_cause_is_said(self):
        def warnings(change):
            new = bench_record.record()
            change(new)
            return compare.warnings(bench_record.record(), new)

        for change, warning in (
                (lambda r: r.update(quick=True), "the kind of run differs: full and quick"),
                (lambda r: r.update(rounds=8), "the number of rounds differs: 6 and 8"),
                (lambda r: r["machine"].update(core=0), "the core differs: 1 and 0"),
                (lambda r: r["machine"].update(cpu="b"), "the processor differs: a processor <&> and b"),
                (lambda r: r["machine"].update(compiler="c"), "the compiler differs: g++ 12 and c"),
                (lambda r: r["peers"]["PyTorch"].update(blas="reference BLAS"),
                 "PyTorch's blas differs: OpenBLAS and reference BLAS"),
                (lambda r: r["peers"]["PyTorch"].update(torch_version="2.1"), "PyTorch's torch_version differs: 2.0 and 2.1"),
                (lambda r: r["peers"]["PyTorch"].pop("blas"), "PyTorch's blas differs: OpenBLAS and None")):
            self.assertEqual(warnings(change), [warning])
        for change in (lambda r: r.update(peers={}), lambda r: r["machine"].update(kernel="7"),
                       lambda r: r["peers"]["PyTorch"].update(largest_relative_loss_difference={"4-64-64-2": 2e-7})):
            self.assertEqual(warnings(change), [])

    def test_rows_of_one_record_alone(self):
        old, new = bench_record.record(), bench_record.record()
        gone, old["rows"][0]["name"] = new["rows"].pop(), "was"
        result = compare.compare(old, new)
        self.assertEqual(result["only_new"], ["fma_peak"])
        self.assertEqual(result["only_old"], ["was", gone["name"]])

    def test_command(self):
        with tempfile.TemporaryDirectory() as folder:
            old, new = pathlib.Path(folder) / "old.json", pathlib.Path(folder) / "new.json"
            records.write(old, bench_record.record())
            records.write(new, bench_record.record(1, {"relu_forward/4096": 1.2, "sampled_step/4-64-64-2": 1.3}))
            for first, second, code, text in ((old, new, 1, "1 slower"), (new, old, 0, "1 faster"), (old, old, 0, "0 slower")):
                done = run("--compare", first, "--with", second)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(text, done.stdout)
            records.write(new, bench_record.record(1, {"sampled_step/4-64-64-2": 1.3}))  # PyTorch's alone
            self.assertEqual(run("--compare", old, "--with", new).returncode, 0)


class Arguments(unittest.TestCase):
    def test_refused(self):
        for arguments in (["--quik"], ["--rounds", "4"], ["--rounds", "many"], ["--core", "100000"], ["--with", "x"], ["x"],
                          ["--compare", "nowhere.json"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertTrue(done.stderr.strip().splitlines()[-1].startswith("bench.sh: "), done.stderr)


    def test_a_part_that_is_none_is_refused_with_all_that_there_are(self):
        for text in ("zzzz", "Loop", "checkpoint"):
            done = run("--only", text)
            self.assertEqual(done.returncode, 2)
            for part in measure.part_names():
                self.assertIn(part, done.stderr)
        for part in (*measure.part_names(), "learn steps", "loop", "bench"):
            self.assertTrue(measure.parts_with(part, quick=False), part)
        self.assertEqual(run("--only", "loop", "--only-arguments").returncode, 0)
        self.assertIn("--quick leaves out ops_bench", run("--quick", "--only", "ops_bench").stderr)

    def test_programs_that_are_missing_are_named(self):
        self.assertEqual(measure.programs_of(measure.parts_with("loop", False)), ["bellman", "train_loop_bench"])
        self.assertEqual(measure.programs_of(measure.parts_with("loop/", False)), ["bellman"])
        self.assertEqual(measure.programs_of(["learn steps: PyTorch"]), [])
        with tempfile.TemporaryDirectory() as folder:
            for arguments, missing in (((), "sampled_step_bench, learn_step_bench, bellman, roof_bench"),
                                       (("--only", "envs"), "envs_bench"), (("--op", "fill 8"), "ops_bench")):
                for place in (folder, "/nowhere"):
                    done = run("--bin", place, *arguments)
                    self.assertEqual(done.returncode, 2)
                    self.assertIn(f"--bin is {place}, which has no {missing}", done.stderr)


class OneOp(unittest.TestCase):
    REPORT = {"benchmarks": [{"name": "dense_forward/8x4->2", "run_type": "iteration", "cpu_time": 2.0, "real_time": 2.0,
                              "time_unit": "us", "of_peak": 0.9, "GFLOP/s": 64.0}]}

    def time(self, script, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "ops_bench"
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)
            return run("--bin", folder, "--op", "dense_forward 8x4->2", *arguments)

    def test_is_timed_in_rounds_and_held_against_its_roof(self):
        done = self.time(f"[ \"$2 $3\" = '--op dense_forward 8x4->2' ] && echo '{json.dumps(self.REPORT)}'")
        self.assertEqual(done.returncode, 0, done.stderr)
        for part in ("dense_forward/8x4->2", "2 µs", "64 GFLOP/s", "90 % of the multiply-adds", "medians of 6 rounds"):
            self.assertIn(part, done.stdout)

    def test_what_is_wrong_is_no_figure(self):
        wrong = {"benchmarks": [{**self.REPORT["benchmarks"][0], "error_occurred": True, "error_message": "other numbers"}]}
        for script, said in ((f"echo '{json.dumps(wrong)}'", "bench.sh: dense_forward/8x4->2: other numbers"),
                             ("echo 'ops_bench: --op: there is no op' >&2; exit 2", "bench.sh: --op: there is no op")):
            done = self.time(script)
            self.assertEqual((done.returncode, done.stderr.strip().splitlines()[-1]), (2, said))
        self.assertEqual(self.time("exit 0", "--quick").returncode, 2)


class Peers(unittest.TestCase):
    def test_losses(self):
        self.assertAlmostEqual(peers.checked_difference([1, 2.0002], [1, 2]), 1e-4)
        for losses in ([1, 2.02], [1, math.nan]):
            with self.assertRaises(ProgramError):
                peers.checked_difference(losses, [1, 2])


    def test_a_loop_that_learns_at_another_step_is_refused(self):
        report = {"total_timesteps": 6064, "gradient_updates": 6000, "wall_seconds": 0.5}
        rows = records.Rows()
        peers.add_loop(rows, "JAX", "loop/textbook", report, 6000)
        self.assertEqual(rows.list()[0]["samples"], [12000.0])  # of the steps that learn
        for wrong in ({"gradient_updates": 6064}, {"gradient_updates": 5998}, {"total_timesteps": 7000}):
            with self.assertRaises(ProgramError):
                peers.add_loop(rows, "JAX", "loop/textbook", {**report, **wrong}, 6000)

    def test_every_peer_is_known_and_its_loop_has_settings(self):
        for peer in peers.all_peers():
            self.assertIn(peer.name, headlines.PEERS)
            if peer.loop:
                self.assertIn(peer.loop_work, peers.LOOPS)

    def test_all_peers_of_a_loop_take_turns_with_ours(self):
        found = [peer for peer in peers.all_peers() if peer.loop]
        measurement = measure.Measurement(measure.Plan(quick=True, rounds=5), records.Rows(), pathlib.Path(), 0, found)
        turns = {what: [name for name, _ in theirs] for what, _, theirs in measurement.pairs(seed=1)}
        self.assertEqual(turns["loop/textbook"], ["PyTorch", "JAX"])
        self.assertEqual(turns["loop/sb3"], ["stable-baselines3"])

    def test_each_loop_is_measured_for_its_own_work(self):
        found = [peer for peer in peers.all_peers() if peer.loop]
        measurement = measure.Measurement(measure.Plan(quick=True, rounds=5), records.Rows(), pathlib.Path(), 0, found)
        with mock.patch.object(peers, "bellman_loop") as loop:
            for _, ours, _ in list(measurement.pairs(seed=1))[1:]:
                ours()
        self.assertEqual([call.args[5] for call in loop.call_args_list], ["loop/textbook", "loop/sb3"])

    def test_a_python_of_several_is_found(self):
        peer = peers.Peer("p", "p", "p.py", False, "import json")
        self.assertTrue(peers.is_here(peer, f"no-such-python,{sys.executable}", pathlib.Path()))
        self.assertEqual(peer.python, sys.executable)
        self.assertFalse(peers.is_here(peer, "no-such-python", pathlib.Path()))


class Headlines(unittest.TestCase):
    def test_found_and_missing(self):
        found = {h["title"]: h for h in headlines.headlines(bench_record.record()["rows"])}
        step = found["Learn step 4-64-64-2, batch 64, sampling through Adam"]
        self.assertEqual(step["row"]["name"], "sampled_step/4-64-64-2/op-by-op")
        ratio, least, most = step["peers"]["PyTorch"][1]
        self.assertAlmostEqual(ratio, 1400 / 33, delta=1)
        self.assertLessEqual(least, ratio)
        self.assertAlmostEqual(found["Whole loop: textbook DQN on CartPole-v1, every step learns"]["peers"]["PyTorch"][1][0],
                               26000 / 700, delta=1)
        self.assertIsNone(found["Gradient step of Nature-DQN, batch 32"]["row"])

    def test_the_fastest_learner_counts(self):
        rows = bench_record.record()["rows"]
        rows.append(bench_record.row("sampled_step_bench", "sampled_step/4-64-64-2/fused", 22.0, allocations=0.0))
        self.assertEqual(headlines.headlines(rows)[0]["row"]["name"], "sampled_step/4-64-64-2/fused")

    def test_a_step_on_another_replay_does_not_count(self):
        rows = bench_record.record()["rows"]
        rows.append(bench_record.row("sampled_step_bench", "sampled_step/4-64-64-2/fused/slots:1048576", 22.0))
        self.assertEqual(headlines.headlines(rows)[0]["row"]["name"], "sampled_step/4-64-64-2/op-by-op")

    def test_calls_of_a_step(self):
        rows = bench_record.record()["rows"]
        self.assertEqual(headlines.calls_per_step(rows),
                         "allocations of memory 0, locks (pthread_mutex_lock) 2, system calls 0")
        rows.append(bench_record.row("sampled_step_bench", "sampled_step/4-64-64-2/fused", 22.0, locks=0.0, allocations=0.0))
        self.assertEqual(headlines.calls_per_step(rows), "allocations of memory 0, locks (pthread_mutex_lock) 0, "
                                                         "system calls not counted")
        self.assertEqual(headlines.calls_per_step([]).count("not counted"), 3)

    def test_the_number_of_seeds_is_that_of_the_title(self):
        measurement = measure.Measurement(measure.Plan(quick=True, rounds=6), records.Rows(), pathlib.Path(), 0, [])
        report = {"solved_at_timestep": 1, "seconds_to_solve": 0.2}
        with mock.patch.object(measure, "run_json", return_value=report) as train:
            measurement.solve()
        seeds = [command[command.index("--seed") + 1] for command, _ in (call.args for call in train.call_args_list)]
        self.assertEqual(seeds, list(range(1, 21)))
        (found,) = (h for h in headlines.headlines(measurement.rows.list()) if h["row"])
        self.assertIn("median of 20 seeds", found["title"])


class Page(unittest.TestCase):
    def setUp(self):
        self.record = bench_record.record()
        self.found = headlines.headlines(self.record["rows"])

    def test_stands_alone(self):
        new = bench_record.record(1, {"relu_forward/4096": 1.2})
        text = page.html_text(new, headlines.headlines(new["rows"]), compare.compare(self.record, new))
        for trace in ("<script", "http:", "https:", "<link", "nan", "a processor <&>"):
            self.assertNotIn(trace, text)
        self.assertIn("Roofline", text)
        self.assertIn("missing", text)

    def test_its_policy_allows_its_style_and_nothing_else(self):
        text = page.html_text(self.record, self.found, None)
        style = text.split("<style>")[1].split("</style>")[0]
        self.assertEqual(style, (ROOT / "apps/page/page.css").read_text())
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self.assertIn(f"content=\"default-src 'none'; style-src 'sha256-{digest}'; base-uri", text)
        self.assertNotIn(" style=", text)

    def test_its_classes_are_those_of_the_style(self):
        new = bench_record.record(1, {"relu_forward/4096": 1.2, "dense_forward/64x64->64": 0.8})
        text = page.html_text(new, headlines.headlines(new["rows"]), compare.compare(self.record, new))
        for name in {name for names in re.findall(r'class="([^"]*)"', text) for name in names.split()}:
            self.assertIn(f".{name}", page.STYLE)

    def test_pictures_are_well_formed(self):
        rows = self.record["rows"]
        for picture in (plots.roofline(rows), plots.triad_plot(rows), plots.op_bars(rows), plots.floor_bars(rows),
                        plots.peer_bars(self.found)):
            xml.etree.ElementTree.fromstring(picture.svg)
            self.assertTrue(picture.rows)
            for row in picture.rows:
                self.assertEqual(len(row), len(picture.header))

    def test_points_lie_where_their_numbers_say(self):
        scale = svg.LogScale(1, 100, 0, 10)
        self.assertEqual([scale(1), scale(10), scale(100)], [0, 5, 10])
        (_, intensity, rate), _ = plots.roofline_points(self.record["rows"])
        self.assertAlmostEqual(intensity, 524288 / 49408, delta=0.3)
        self.assertAlmostEqual(rate, 524288 / 5e3, delta=3)  # GFLOP/s

    def test_without_anything(self):
        self.record.update(rows=[], peers={})
        found = headlines.headlines([])
        self.assertIn("missing", page.html_text(self.record, found, None))
        self.assertIn("missing", report.text(self.record, found))

    def test_jax_is_named_with_what_compiling_takes(self):
        self.record["peers"]["JAX"] = {"jax_version": "0.10", "compile_seconds": 5.11, "unrolled": 4,
                                       "largest_relative_loss_difference": {"4-64-64-2": 1e-7}}
        self.assertIn("JAX 0.10: the same losses on the same batches within 1e-07; compiling takes 5.1 s, not counted.",
                      list(report.peer_lines(self.record)))

    def test_terminal(self):
        text = report.text(self.record, self.found)
        for part in ("32.9 µs", "1.7 ×", "PyTorch", "118 GFLOP/s", "80 % of the bandwidth", "missing",
                     headlines.calls_per_step(self.record["rows"])):
            self.assertIn(part, text)
            self.assertIn(headlines.calls_per_step(self.record["rows"]), page.html_text(self.record, self.found, None))


if __name__ == "__main__":
    unittest.main()
