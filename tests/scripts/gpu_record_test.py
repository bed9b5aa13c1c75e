import argparse
import json
import math
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "gpu"))

import loops
import losses
import part_record
import part_report

LOSSES = [1.5, 1.25, 1.0]


def bench(name, us, **more):
    return {"name": f"{name}/iterations:1/manual_time", "run_type": "iteration", "real_time": us, "time_unit": "us", **more}


class Folder(unittest.TestCase):
    """A folder as the steps leave it."""

    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.work = pathlib.Path(place.name)

    def put(self, name, content):
        (self.work / name).write_text(json.dumps(content))
        return self.work / name

    def refused(self, check, *paths):
        """What `check` says when it refuses."""
        with self.assertRaises(part_record.NotRight) as refusal:
            check(*paths)
        return str(refusal.exception)


class Losses(Folder):
    def check(self, ways):
        return part_record.check_losses(self.put("ours", {"fixed_batch_losses": LOSSES}), self.put("peer", {"fixed_batch_losses": ways}))

    def test_every_way_must_agree(self):
        close = [loss * (1 + 2e-5) for loss in LOSSES]
        self.assertIn("2.0e-05: eager, graph", self.check({"eager": LOSSES, "graph": close}))
        for other in ([1.5, 1.25, 1.01], [1.5, math.nan, 1.0], LOSSES[:2], []):
            with self.subTest(other=other):
                said = self.refused(self.check, {"eager": LOSSES, "graph": other})
                self.assertTrue(said.startswith("graph: "), said)

    def test_nothing_is_no_agreement(self):
        self.put("peer", {"fixed_batch_losses": {}})
        for peer in ("peer", "nowhere"):
            self.refused(part_record.check_losses, self.put("ours", {"fixed_batch_losses": LOSSES}), self.work / peer)
        self.assertTrue(math.isnan(losses.largest([])))


class Bench(Folder):
    def test_units_and_what_is_left_out(self):
        self.put("b.json", {"benchmarks": [
            bench("a", 2.0, **{"GB/s": 3.0, "other": 1.0}), {**bench("b", 5.0), "time_unit": "ns"},
            {**bench("c", 1.0), "error_occurred": True, "error_message": "wrong"}, {**bench("d", 1.0), "run_type": "aggregate"}]})
        self.assertEqual(part_record.bench_figures(self.work / "b.json"), {"a": {"us": 2.0, "GB/s": 3.0}, "b": {"us": 0.005}})

    def test_a_wrong_figure_is_refused(self):
        wrong = {"name": "c", "error_occurred": True, "error_message": "other gradients"}
        said = self.refused(part_record.check_bench, self.put("b.json", {"benchmarks": [bench("a", 1.0), wrong]}))
        self.assertIn("1 of 2 are wrong: c: other gradients", said)
        self.assertIn("nothing was timed", self.refused(part_record.check_bench, self.work / "nowhere.json"))

    def test_what_is_whole_of_a_file_that_was_cut(self):
        whole = json.dumps({"context": {"device": "a card"}, "benchmarks": [bench("a", 2.0), bench("b", 3.0)]}, indent=2)
        for end, names in ((whole.index("}", whole.index('"a/')) + 1, ["a"]), (whole.rindex('"real_time"'), ["a"]), (len(whole), ["a", "b"])):
            (self.work / "cut.json").write_text(whole[:end])
            self.assertEqual(list(part_record.bench_figures(self.work / "cut.json")), names)
        (self.work / "cut.json").write_text(whole[:whole.index('"a/')])
        self.assertEqual(part_record.bench_figures(self.work / "cut.json"), {})


class LearnSteps(Folder):
    def runs(self):
        work = "learn_step/4-64-64-2/batch:64"
        for i, us in ((1, 10.0), (2, 14.0)):
            names = ("recorded", "fused", "agent") if i == 1 else ("recorded", "fused")
            self.put(f"learn_step_bench_{i}.json", {"benchmarks": [bench(f"{work}/{name}", us) for name in names]})
            self.put(f"peer_{i}.json", {"learn_step": {work: {
                "graph": {"us": 40.0 + i, "tries": [], "compile_seconds": 1.0},
                "compiled": {"us": 23.0 + i, "tries": [], "compile_seconds": 9.0}}}})
        return work

    def test_ratio_to_the_fastest_peer(self):
        work = self.runs()
        rows = part_record.learn_steps(self.work)
        row = rows[f"{work}/fused"]
        self.assertEqual((row["us"], row["runs_us"], row["fastest_peer"]), (12.0, [10.0, 14.0], "compiled"))
        self.assertEqual(row["ratio"], 24.5 / 12.0)
        self.assertEqual(row["peers"]["compiled"]["compile_seconds"], [9.0, 9.0])
        self.assertNotIn("ratio", rows[f"{work}/agent"])  # it draws its batch, which the peer does not

    def test_without_a_peer(self):
        work = self.runs()
        for i in (1, 2):
            (self.work / f"peer_{i}.json").unlink()
        row = part_record.learn_steps(self.work)[f"{work}/fused"]
        self.assertNotIn("ratio", row)
        self.assertEqual(row["us"], 12.0)


def run_of(env_steps, **more):
    return {"env_steps_per_second": env_steps, "gradient_steps_per_second": 2 * env_steps, "samples_per_env_step": 64.0, **more}


class Loops(Folder):
    def put_loops(self, programs):
        self.put("trainings.json", {"missing": {"Other": "not installed"}, "wrong": {}, "loss_difference": {"JAX": 1e-7}, "workloads": {
            "loop/textbook": {"agents": 1, "settings": {}, "programs": programs}}})
        return part_record.loops(self.work)["workloads"]["loop/textbook"]["programs"]

    def test_medians_and_ratio(self):
        programs = self.put_loops({"bellman train": [run_of(100.0), run_of(300.0)], "bellman sweep": [run_of(400.0)],
                                   "slow": [run_of(1.0), run_of(1.0)], "JAX": [run_of(20.0, variant=4, compile_seconds=3.0),
                                                                               run_of(30.0, variant=4, compile_seconds=5.0)]})
        train, sweep, jax = programs["bellman train"], programs["bellman sweep"], programs["JAX"]
        self.assertEqual((train["fastest_peer"], train["ratio"], sweep["ratio"]), ("JAX", 200.0 / 25.0, 400.0 / 25.0))
        self.assertEqual((jax["compile_seconds"], jax["variant"]), (4.0, 4))
        self.assertEqual(train["runs"], [100.0, 300.0])
        self.assertNotIn("ratio", jax)

    def test_no_ratio_with_one_program(self):
        self.assertNotIn("ratio", self.put_loops({"bellman train": [run_of(100.0)]})["bellman train"])
        self.assertNotIn("ratio", self.put_loops({"JAX": [run_of(100.0)]})["JAX"])

    def test_a_sweep_of_one_agent_after_the_other_is_no_population(self):
        sweep = loops.Bellman("sweep", argparse.Namespace(bin=self.work, work=self.work, device="cuda", limit=loops.Limit(60)))
        for plan, why in (("132 agents of about 2 MiB each, 1 at a time", "trains one agent at a time here"),
                          ("2 agents, 1 at a time (not as a population: x)", "trains one agent at a time here (not as a population: x)"),
                          ("132 agents of 2 MiB each: all at once", None), ("9 agents: 21 at a time", None),
                          ("9 agents: 2,001 at a time", None)):
            (self.work / "bellman").write_text(f"#!/bin/sh\necho '{plan}'\n")
            (self.work / "bellman").chmod(0o755)
            self.assertEqual(sweep.obstacle(132, loops.TEXTBOOK), why)

    def test_a_b_b_a_and_one_failure_is_the_end_of_a_program(self):
        calls = []

        class Program:
            def __init__(self, name, seconds):
                self.name, self.seconds = name, seconds

            def measure(self, agents, settings, before):
                calls.append((self.name, before is None))
                return {"total_timesteps": 2000, "gradient_updates": 1000, "wall_seconds": self.seconds}

        settings = {"total-timesteps": 2000, "learning-starts": 1000, "batch-size": 64, "train-frequency": 1}
        runs, wrong = loops.measure([Program("A", 2.0), Program("B", 4.0), Program("C", 0.0)], 1, settings, lambda _: None)
        self.assertEqual(calls, [("A", True), ("B", True), ("C", True), ("B", False), ("A", False)])
        self.assertEqual([run["env_steps_per_second"] for run in runs["A"]], [1000.0, 1000.0])
        self.assertEqual((list(runs), list(wrong)), (["A", "B"], ["C"]))

    def test_other_work_than_asked(self):
        settings = {"total-timesteps": 2000, "learning-starts": 1000, "batch-size": 64, "train-frequency": 10}
        report = {"total_timesteps": 2000, "gradient_updates": 100, "wall_seconds": 1.0}
        self.assertEqual(loops.figures(report, 1, settings)["samples_per_env_step"], 3.2)
        self.assertEqual(loops.figures({**report, "agents": 3}, 3, settings)["env_steps_per_second"], 6000.0)
        sweep = {"wall_seconds": 2.0, "variants": [{"runs": [report, report]}]}
        self.assertEqual(loops.figures(sweep, 2, settings)["env_steps_per_second"], 2000.0)
        unfinished = {"wall_seconds": 2.0, "variants": [{"runs": [report, {"state": "failed"}]}]}
        for agents, other in ((1, {**report, "gradient_updates": 90}), (1, {**report, "total_timesteps": 1000}), (2, report),
                              (2, unfinished)):
            with self.assertRaises(loops.ProgramError):
                loops.figures(other, agents, settings)


    def test_what_is_asked_is_whole_periods(self):
        for _, settings in loops.WORKLOADS.values():
            self.assertEqual(loops.scaled(settings, 1), settings)
            small = loops.scaled(settings, 0.06)
            self.assertEqual((small["total-timesteps"] - small["learning-starts"]) % small["target-network-frequency"], 0)


class Time(unittest.TestCase):
    def test_one_process_and_all_of_them(self):
        self.assertEqual(loops.Limit(10).now(), 10)
        self.assertLessEqual(loops.Limit(10, 4).now(), 4)
        with self.assertRaises(loops.ProgramError):
            loops.Limit(10, 0.5).now()


class Record(Folder):
    FACTS = {"date": "2026-01-02", "commit": "c", "gpu": None, "programs": "built here", "cuda": "", "seconds": 1}
    STEPS = [{"step": "ops", "outcome": "ok", "seconds": 5, "detail": "fine",
              "clock": {"least_mhz": 1500.0, "median_mhz": 1900.0, "most_mhz": 1980.0, "most_watts": 600.0, "samples": 9}},
             {"step": "ncu", "outcome": "failed", "seconds": 1, "detail": "a|b", "clock": None}]

    def assemble(self):
        return part_record.assemble("figures", self.STEPS, self.work, self.FACTS)

    def test_says_what_is_missing(self):
        self.put("losses.json", {"missing": {"compiled": "no torch.compile"}})
        self.put("population.json", {"missing": {"JAX": "not installed"}, "wrong": {"loop/x, bellman": "too slow"}, "workloads": {}})
        text = part_report.markdown(self.assemble())
        for said in ("compiled: no torch.compile", "JAX: not installed", "loop/x, bellman: too slow"):
            self.assertIn(f"Not timed: {said}", text)

    def test_tables(self):
        self.put("floors_bench.json", {"benchmarks": [bench("block_barrier/512", 0.025)]})
        self.put("trainings.json", {"missing": {}, "wrong": {}, "workloads": {"loop/textbook": {
            "agents": 1, "settings": {}, "programs": {"bellman train": [run_of(1e6)], "JAX": [run_of(2.5e5)]}}}})
        found = json.loads(json.dumps(self.assemble(), allow_nan=False))
        table = part_report.markdown(found)
        self.assertIn("| ops | ok | 5 | 1500 to 1980 | fine |", table)
        self.assertIn("| ncu | failed | 1 |  | a/b |", table)
        self.assertIn("| loop/textbook | bellman train | 1,000,000 | 2,000,000 | 64 | – | 4 |", table)
        self.assertIn("| block_barrier/512 | 25 |", table)
        self.assertEqual(found["loops"]["workloads"]["loop/textbook"]["programs"]["bellman train"]["ratio"], 4.0)
        self.assertIsNone(found["measured_copy_bytes_per_second"])


if __name__ == "__main__":
    unittest.main()
