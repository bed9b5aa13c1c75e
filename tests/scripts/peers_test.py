"""bench/peers/: what is there without JAX and PyTorch."""

import argparse
import pathlib
import sys
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench" / "peers"), str(ROOT / "scripts" / "gpu")]
import attempts
import loop_settings
import loops


def measured(variant):
    if variant == "broken":
        raise RuntimeError("no compiler\nmore of it")
    return {"wall_seconds": {"slow": 4.0, "fast": 2.0}[variant], "compile_seconds": 1.0}


def settings(*words):
    with mock.patch.object(sys, "argv", ["peer", *words]):
        return loop_settings.parse(loop_settings.parser(""))


class Attempts(unittest.TestCase):
    def test_one_that_fails_does_not_take_the_others_with_it(self):
        done, failed = attempts.attempts(["slow", "broken", "fast"], measured)
        self.assertEqual(list(done), ["slow", "fast"])
        self.assertEqual(failed, {"broken": "RuntimeError: no compiler"})

    def test_what_has_no_time_left_is_not_tried(self):
        with mock.patch("time.monotonic", side_effect=[0, 0, 30, 30, 31, 31]):
            done, failed = attempts.attempts(["slow", "fast", "fast2"], measured, budget=50)
        self.assertEqual(list(done), ["slow"])
        self.assertEqual(failed, {v: "not tried: no time left of 50 s" for v in ("fast", "fast2")})

    def test_a_report_is_of_the_fastest_and_of_none_there_is_none(self):
        report = loop_settings.report(settings(), "peer", ["slow", "broken", "fast"], measured, agents=3)
        self.assertEqual((report["variant"], report["wall_seconds"]), ("fast", 2.0))
        self.assertEqual(report["missing"], {"broken": "RuntimeError: no compiler"})
        self.assertEqual(report["env_steps_per_second"], 3 * report["total_timesteps"] / 2.0)
        with self.assertRaises(SystemExit):
            loop_settings.report(settings(), "peer", ["broken"], measured)

    def test_every_workload_is_one_that_the_peers_take(self):
        for agents, told in loops.WORKLOADS.values():
            s = settings(*map(str, loops.flags(told)))
            self.assertEqual(s.total_timesteps, told["total-timesteps"])
            report = loop_settings.report(s, "peer", ["fast"], measured, agents)
            loops.figures(report, agents, told)  # or it were other work than asked


class Losses(unittest.TestCase):
    def check(self, theirs):
        peer = mock.Mock(variants="--ways", right=[], losses=lambda: theirs)
        peer.name = "PyTorch"
        result = {"missing": {}, "wrong": {}, "loss_difference": {}, "versions": {}}
        with mock.patch.object(loops, "run_json", return_value={"fixed_batch_losses": [1.0, 0.5]}):
            loops.check_losses(peer, argparse.Namespace(bin=pathlib.Path(), device="cuda", limit=loops.Limit(1)), result)
        return peer, result

    def test_a_way_with_other_losses_is_not_timed_and_the_others_are(self):
        peer, result = self.check({"torch_version": "2.9", "missing": {"eager": "no"},
                                   "fixed_batch_losses": {"graph": [1.0, 0.5], "compiled_graph": [1.0, float("nan")]}})
        self.assertEqual(peer.right, ["--ways", "graph"])
        self.assertEqual(list(result["wrong"]), ["PyTorch, compiled_graph"])
        self.assertEqual(result["missing"], {"PyTorch, eager": "no"})
        self.assertEqual(result["versions"], {"PyTorch": "2.9"})
        self.assertEqual(result["loss_difference"], {"PyTorch": 0.0})

    def test_a_peer_without_right_losses_is_none(self):
        for losses in ({}, {"graph": [1.0, 0.6]}, {"graph": [1.0]}):
            with self.assertRaises(loops.ProgramError):
                self.check({"fixed_batch_losses": losses})


if __name__ == "__main__":
    unittest.main()
