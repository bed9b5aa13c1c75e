"""scripts/gpu_verify.sh with a faked GPU: programs that only say what the real ones would."""

import datetime
import json
import os
import pathlib
import re
import signal
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
import unittest.mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "gpu"))
import progress
import steps

GPU = "NVIDIA H200, 570.1, 9.0, 143771 MiB"
SCRIPTS = {
    "nvidia-smi": 'case "$*" in *--loop-ms*) while :; do echo "1755, 2619, 400.5, 50"; sleep 0.05; done;; *) echo "%s";; esac' % GPU,
    "compute-sanitizer": 'while [[ $1 != */* ]]; do shift; done; "$@"; code=$?; echo "========= RACECHECK SUMMARY: 0 hazards '
                         'displayed (0 errors, 0 warnings)"; exit $code',
    "ncu": 'while [[ $1 != */* ]]; do shift; done; "$@"',
    "bellman": 'run=; while [ $# -gt 0 ]; do [ "$1" != --run-dir ] || run=$2; shift; done\n'
               '[ -z "$run" ] || { mkdir -p "$run"; echo weights >"$run/model.safetensors"; }\n'
               'echo \'{"solved_at_timestep": 9, "total_timesteps": 10, "wall_seconds": 1.0, "gradient_updates": 5, '
               '"gradient_steps_per_second": 5.0, "env_steps_per_second": 10.0, "env_id": "CartPole-v1", "seed": 1}\'',
    "fixed_batch": 'echo \'{"fixed_batch_losses": [1.0, 0.5]}\'',
    "tests": 'echo "[doctest] Status: SUCCESS!"',
    "bench": 'for word; do [[ $word != --benchmark_out=* ]] || echo \'{"context": {}, "benchmarks": [{"name": "x/fused", '
             '"run_type": "iteration", "real_time": 2.0, "time_unit": "us"}]}\' >"${word#*=}"; done',
}
PROGRAMS = {name: "tests" for name in steps.PROGRAMS if name.endswith("_tests")} | {
    name: "bench" for name in steps.BENCHES if name.endswith("_bench")} | {"bellman": "bellman", "fixed_batch": "fixed_batch"}
NAMES = [step.name for step in steps.PARTS["correct"]]


class Faked(unittest.TestCase):
    """A machine: PATH with a GPU's tools, and programs that were built elsewhere. Each notes that it ran."""

    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name).resolve()
        self.tools, self.built = self.place / "tools", self.place / "built"
        self.records, self.build, self.out = self.place / "records", self.place / "build", self.place / "out"
        for folder in (self.tools, self.built / "bin", self.built / "lib/for_sanitizers"):
            folder.mkdir(parents=True)
        (self.built / "manifest.json").write_text('{"commit": "abc", "built": "2026-01-02T03:04:05"}')
        (self.built / "lib/for_sanitizers/libbellman_cuda.so").touch()
        for tool in ("nvidia-smi", "compute-sanitizer", "ncu"):
            self.fake(self.tools / tool, SCRIPTS[tool])
        for name, script in PROGRAMS.items():
            self.fake(self.built / "bin" / name, f'echo {name} >>"{self.place}/ran"\n{SCRIPTS[script]}')

    def fake(self, path, script):
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def change(self, name, script):
        """The program does this first."""
        path = self.built / "bin" / name
        path.write_text(path.read_text().replace("#!/bin/bash\n", f"#!/bin/bash\n{script}\n", 1))

    def command(self, *arguments, prebuilt=True):
        return ["bash", ROOT / "scripts/gpu_verify.sh", "--build-dir", self.build, "--records", self.records, "--out", self.out,
                "--python", "/nowhere/python3", *(["--prebuilt", self.built] if prebuilt else []), *arguments]

    def environment(self):
        return {**os.environ, "PATH": f"{self.tools}:{os.environ['PATH']}"}

    def verify(self, *arguments, code=0, prebuilt=True):
        done = subprocess.run(list(map(str, self.command(*arguments, prebuilt=prebuilt))), env=self.environment(),
                              capture_output=True, text=True, timeout=120)
        if code is not None:
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def all_records(self, part=""):
        """The newest last. Names do not sort so: the second one of a second has a number behind the time."""
        return sorted(self.records.glob(f"*-{part}.json" if part else "*.json"), key=lambda path: path.stat().st_mtime_ns)

    def outcomes(self, path):
        return {step["step"]: step["outcome"] for step in json.loads(path.read_text())["steps"]}

    def times_run(self, name):
        ran = self.place / "ran"
        return ran.read_text().split().count(name) if ran.exists() else 0


class Names(unittest.TestCase):
    def test_records_of_one_second_are_all_found_by_their_part(self):
        with tempfile.TemporaryDirectory() as folder, unittest.mock.patch.object(
                progress, "now", lambda: datetime.datetime(2026, 1, 2, 3, 4, 5)):
            records = pathlib.Path(folder) / "records"
            names = [progress.Progress(pathlib.Path(folder), "subject").name("h200", part, [records])
                     for part in ("correct", "correct", "figures", "correct") if not self.forget(folder)]
            self.assertEqual(len(set(names)), 4)
            self.assertEqual({path.stem for path in records.glob("*-correct.json")}, {names[0], names[1], names[3]})

    def forget(self, folder):
        (pathlib.Path(folder) / "progress.json").unlink(missing_ok=True)


class Plan(unittest.TestCase):
    def test_every_part_has_room_for_its_steps(self):
        for part, its in steps.PARTS.items():
            self.assertLessEqual(sum(step.limit for step in its), steps.SECONDS_OF_PART - 5, part)

    def test_the_most_telling_comes_first(self):
        order = [step.name for its in steps.PARTS.values() for step in its]
        telling = ["programs", "smoke", "tests_fused", "tests_agent_kernel", "racecheck_fused", "racecheck_agent_kernel", "floors", "fused",
                   "ncu", "ops", "learn_step_1", "peer_1", "population", "trainings", "memcheck", "racecheck"]
        self.assertEqual([name for name in order if name in telling], telling)
        self.assertEqual(len(order), len(set(order)))

    def test_the_small_cases_for_racecheck_are_there(self):
        text = "".join(path.read_text() for path in (ROOT / "tests/cuda").rglob("*_test.cpp"))
        for case in (steps.SMALL_FUSED, steps.SMALL_AGENT_KERNEL):
            self.assertTrue(f'"{case}")' in text, case)


class WholeRun(Faked):
    def test_every_part_leaves_its_record_and_its_logs(self):
        parts = {part: its for part, its in steps.PARTS.items() if part != "loops"}
        done = self.verify("--parts", ",".join(parts))
        self.assertEqual(len(self.all_records()), len(parts), done.stdout)
        for part, its in parts.items():
            (path,) = self.all_records(part)
            self.assertRegex(path.name, rf"^\d{{4}}-\d\d-\d\d-\d{{6}}-nvidia-h200-{part}\.json$")
            record = json.loads(path.read_text())
            self.assertEqual([step["step"] for step in record["steps"]], [step.name for step in its])
            self.assertLessEqual(set(self.outcomes(path).values()), {"ok", "skipped"}, path.read_text())
            self.assertEqual((record["part"], record["commit"], record["programs"]), (part, "abc", "built elsewhere, 2026-01-02T03:04:05"))
            self.assertIn(part, path.with_suffix(".md").read_text())
            self.assertNotIn(str(self.place), path.read_text() + path.with_suffix(".md").read_text())
            self.assertEqual((self.out / path.name).read_bytes(), path.read_bytes())
            with tarfile.open(self.out / f"{path.stem}.logs.tar.xz") as logs:
                names = {pathlib.Path(name).name for name in logs.getnames()}
            self.assertLessEqual({f"{step.name}.log" for step in its}, names)
        (figures,) = self.all_records("figures")
        self.assertEqual(json.loads(figures.read_text())["floors"], {"x/fused": {"us": 2.0}})
        self.assertEqual(self.outcomes(self.all_records("learn")[0])["peer_1"], "skipped")  # there is no PyTorch

    def test_a_loop_that_did_other_work_than_asked_is_no_figure(self):
        self.verify("--parts", "loops", code=1)
        (path,) = self.all_records("loops")
        self.assertEqual(set(self.outcomes(path).values()), {"failed"})
        record = json.loads(path.read_text())["loops"]
        self.assertIn("other work than asked", record["wrong"]["loop/textbook, bellman train"])
        self.assertIn("JAX", record["missing"])

    def test_the_clock_stands_beside_a_step(self):
        self.change("cuda_floors_bench", "sleep 0.5")
        self.verify("--parts", "figures")
        (path,) = self.all_records("figures")
        clock = json.loads(path.read_text())["steps"][0]["clock"]
        self.assertEqual((clock["least_mhz"], clock["most_mhz"], clock["most_watts"]), (1755, 1755, 400.5))
        self.assertIn("1755 to 1755", path.with_suffix(".md").read_text())

    def test_a_second_run_overwrites_nothing(self):
        self.verify("--parts", "correct")
        before = {path: path.read_bytes() for path in self.records.iterdir()}
        self.assertIn("done already", self.verify("--parts", "correct").stdout)
        self.assertEqual(before, {path: path.read_bytes() for path in self.records.iterdir()})
        self.assertEqual(self.times_run("cuda_agent_kernel_tests"), 2)  # its tests and racecheck
        self.verify("--parts", "correct", "--again", "tests_agent_kernel")
        self.assertEqual(self.times_run("cuda_agent_kernel_tests"), 3)
        self.assertEqual(self.times_run("cuda_backend_tests"), 2)
        self.assertEqual(len(self.all_records()), 2)
        for path, content in before.items():
            self.assertEqual(path.read_bytes(), content)

    def test_what_was_found_of_another_commit_or_build_is_put_aside(self):
        self.verify("--parts", "correct")
        self.verify("--parts", "correct", "--commit", "other")
        self.assertEqual([json.loads(path.read_text())["commit"] for path in self.all_records()], ["abc", "other"])
        (self.built / "manifest.json").write_text('{"commit": "other", "built": "2026-01-02T03:04:06"}')
        self.verify("--parts", "correct")
        self.assertEqual(len(self.all_records()), 3)
        self.assertEqual(len(list((self.build / "verify").glob("correct-before-*"))), 2)

    def test_list_changes_nothing(self):
        said = self.verify("--list").stdout
        for part, its in steps.PARTS.items():
            self.assertIn(f"{part}: at most", said)
            for step in its:
                self.assertRegex(said, rf"{step.name} +{step.limit} s  not begun")
        self.assertFalse(self.build.exists() or self.records.exists())


class Interrupted(Faked):
    PROGRAM = {"smoke": "bellman", "tests_fused": "cuda_backend_tests", "tests_agent_kernel": "cuda_agent_kernel_tests",
               "tests_ops": "core_cpu_tests", "tests_replay": "rl_replay_tests", "tests_network": "core_network_tests",
               "tests_trainer": "rl_trainer_tests"}

    def test_killed_in_any_step_it_goes_on_from_there(self):
        for step, program in self.PROGRAM.items():
            with self.subTest(step=step):
                self.setUp()
                flag = self.place / "killed"
                self.change(program, f'[ -e "{flag}" ] || {{ touch "{flag}"; kill -9 $PPID; exit 1; }}')
                self.verify("--parts", "correct", code=-signal.SIGKILL)
                (path,) = self.all_records()
                done = NAMES[:NAMES.index(step)]
                self.assertEqual([name for name, outcome in self.outcomes(path).items() if outcome != "not begun"], done)
                ran = {name: self.times_run(self.PROGRAM[name]) for name in done}
                self.verify("--parts", "correct")
                self.assertEqual(self.all_records(), [path])  # the same run's record goes on
                self.assertEqual(set(self.outcomes(path).values()), {"ok"})
                for name, times in ran.items():
                    racechecks = name in ("tests_fused", "tests_agent_kernel")
                    self.assertEqual(self.times_run(self.PROGRAM[name]), times + racechecks, name)

    def test_a_signal_cuts_the_step_and_ends_its_programs(self):
        self.change("core_cpu_tests", f'[ -e "{self.place}/on" ] || {{ touch "{self.place}/on"; sleep 300 & wait; }}')
        process = subprocess.Popen(list(map(str, self.command("--parts", "correct"))), env=self.environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not (self.place / "on").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=30), 1)
        (path,) = self.all_records()
        self.assertEqual(self.outcomes(path)["tests_ops"], "cut")
        self.assertEqual(self.outcomes(path)["tests_replay"], "not begun")
        self.verify("--parts", "correct")
        self.assertEqual(set(self.outcomes(path).values()), {"ok"})

    def test_time_that_is_over_leaves_the_rest_for_the_next_start(self):
        self.change("core_cpu_tests", f'[ -e "{self.place}/on" ] || {{ touch "{self.place}/on"; sleep 300; }}')
        self.verify("--parts", "correct", "--minutes", "0.15", code=1)
        (path,) = self.all_records()
        self.assertEqual(self.outcomes(path)["tests_fused"], "ok")
        self.assertEqual({self.outcomes(path)[name] for name in NAMES[3:]}, {"cut"})
        self.verify("--parts", "correct")
        self.assertEqual(set(self.outcomes(path).values()), {"ok"})

    def test_a_failed_step_does_not_stop_the_others_and_is_not_repeated_unasked(self):
        self.change("cuda_backend_tests", "echo 'a.cpp:7: ERROR: CHECK( 3 == 4 ) is NOT correct!'; echo '[doctest] Status: FAILURE!'; exit 1")
        self.verify("--parts", "correct", code=1)
        (path,) = self.all_records()
        step = json.loads(path.read_text())["steps"][1]
        self.assertEqual((step["outcome"], step["detail"]),
                         ("failed", "cuda_backend_tests: exit code 1: a.cpp:7: ERROR: CHECK( 3 == 4 ) is NOT correct!"))
        self.assertEqual(self.outcomes(path)["tests_agent_kernel"], "ok")
        self.verify("--parts", "correct", code=1)
        self.assertEqual((self.times_run("cuda_backend_tests"), self.times_run("cuda_agent_kernel_tests")), (0, 2))
        self.change("cuda_backend_tests", "echo right; exit 0")
        self.verify("--parts", "correct", "--again", "failed")
        self.assertEqual(len(self.all_records()), 2)

    def test_a_sanitizer_that_finds_something_or_says_nothing_has_failed(self):
        for script, said in (('echo "========= ERROR SUMMARY: 3 errors"', "cuda_backend_tests: 3 errors"),
                             ("true", "the tool gave no summary"), ('echo "= ERROR SUMMARY: 0 errors"; exit 7', "exit code 7")):
            self.fake(self.tools / "compute-sanitizer", script)
            self.verify("--parts", "correct,sanitizers", "--again", "all", code=1)
            for part, number in (("correct", NAMES.index("racecheck_fused")), ("sanitizers", 0)):
                step = json.loads(self.all_records(part)[-1].read_text())["steps"][number]
                self.assertEqual(step["outcome"], "failed")
                self.assertIn(said, step["detail"])

    def test_one_that_is_missing_is_skipped_and_tried_again(self):
        (self.tools / "compute-sanitizer").unlink()
        (self.built / "bin/core_cpu_tests").rename(self.place / "core_cpu_tests")
        if subprocess.run(["which", "compute-sanitizer"], capture_output=True).returncode != 0:
            self.verify("--parts", "correct")
            (path,) = self.all_records()
            self.assertEqual([name for name, outcome in self.outcomes(path).items() if outcome == "skipped"],
                             ["tests_ops", "racecheck_fused", "racecheck_agent_kernel"])
            self.fake(self.tools / "compute-sanitizer", SCRIPTS["compute-sanitizer"])
        (self.place / "core_cpu_tests").rename(self.built / "bin/core_cpu_tests")
        self.verify("--parts", "correct")
        self.assertEqual(set(self.outcomes(self.all_records()[-1]).values()), {"ok"})


class Start(Faked):
    def test_without_a_gpu(self):
        self.fake(self.tools / "nvidia-smi", "exit 9")
        self.assertIn("no GPU", self.verify("--parts", "correct", code=2).stderr)
        self.assertFalse(self.records.exists())
        self.verify("--parts", "correct,figures", "--allow-no-gpu")
        self.assertTrue(all("-no-gpu-" in path.name for path in self.all_records()))
        self.assertEqual(set(self.outcomes(self.all_records()[0]).values()), {"skipped"})

    def test_arguments_that_mean_nothing(self):
        for arguments, said in ((("--parts", "correct,nothing"), "unknown part nothing; known: build, correct"),
                                (("--parts", "correct", "--again", "ops"), "have no step ops"),
                                (("--minutes", "0"), "must be more than 0"), (("--packages", self.place), "scripts/gpu/packages.sh"),
                                (("--prebuilt", self.place), "no manifest.json")):
            self.assertIn(said, self.verify(*arguments, code=2).stderr)

    def test_two_at_once_are_refused(self):
        self.change("bellman", f'touch "{self.place}/on"; sleep 20')
        first = subprocess.Popen(list(map(str, self.command("--parts", "correct"))), env=self.environment(),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not (self.place / "on").exists():
            time.sleep(0.05)
        self.assertIn("another one runs", self.verify("--parts", "correct", code=2).stderr)
        first.terminate()
        first.wait(timeout=30)


class Build(Faked):
    CMAKE = '''echo "$@" >>"%(place)s/cmake"
if [ "$1" = -S ]; then mkdir -p "$4"; for t in bellman cuda_backend_tests; do echo "build $t: phony"; done >"$4/build.ninja"
else echo "FAILED: tests/broken.o"; echo "FAILED: other.o"; exit 1; fi'''

    def test_one_target_that_does_not_compile_does_not_stop_the_others(self):
        self.fake(self.tools / "cmake", self.CMAKE % {"place": self.place})
        self.verify("--parts", "build", code=1, prebuilt=False)
        configure, programs, plugin = (self.place / "cmake").read_text().splitlines()
        self.assertIn("-DBELLMAN_CUDA_ARCHITECTURES=90-real", configure)
        self.assertIn("-DBELLMAN_WERROR=OFF", configure)
        self.assertRegex(programs, r"--target bellman cuda_backend_tests -- -k 0$")
        self.assertRegex(plugin, r"--target bellman_cuda_plugin_for_sanitizers -- -k 0$")
        (path,) = self.all_records()
        details = [step["detail"] for step in json.loads(path.read_text())["steps"]]
        self.assertEqual(details[1], "2 did not compile, the others did: tests/broken.o, other.o")
        self.assertTrue(re.fullmatch("for 90-real; benches (ON|OFF)", details[0]))


if __name__ == "__main__":
    unittest.main()
