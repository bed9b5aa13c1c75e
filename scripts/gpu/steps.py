"""The parts of scripts/gpu_verify.sh and their steps. A step is a function of a Machine, whose programs it runs; its result
is its line in the record."""

import dataclasses
import glob
import hashlib
import os
import pathlib
import re
import shutil
import sys

import bench_modules  # noqa: F401  (finds scripts/bench)
import part_record
import ranks
from checkout import ROOT
from runner import StepError, StepSkipped

PEERS = ROOT / "bench" / "peers"
SECONDS_OF_PART = 540

PROGRAMS = ("bellman", "bellman_cuda_plugin", "cuda_backend_tests", "cuda_agent_kernel_tests", "core_cpu_tests", "rl_replay_tests",
            "core_network_tests", "rl_trainer_tests", "rl_ranks_tests")
BENCHES = ("cuda_floors_bench", "cuda_ops_bench", "cuda_learn_step_bench", "fixed_batch")
SANITIZER_PLUGIN = "bellman_cuda_plugin_for_sanitizers"

# A few small agents and batches: racecheck follows every access to shared memory.
SMALL_FUSED = "learn steps at once are those one after the other, to the bit"
SMALL_AGENT_KERNEL = "sixty ticks are the same to the bit in one launch and in many"
KERNEL_TESTS = (  # program, its sources whose tests run kernels
    ("cuda_backend_tests", "*counters_test*,*fused_agent_test*,*fused_dqn_test*"),
    ("cuda_agent_kernel_tests", "*agent_kernel_test*"),
    ("rl_replay_tests", "*replay_ops_test*,*replay_priorities_test*"),
    ("core_cpu_tests", "*activations_test*,*dense*_test*,*layer_norm_test*,*optimizer_ops_test*,*guard_step_test*,"
                       "*q_learning_test*,*conv2d_test*,*max_pool2d_test*"))


@dataclasses.dataclass
class Machine:
    """The folders, and the runner of programs."""
    build: pathlib.Path      # CMake's folder, or None with prebuilt programs
    prebuilt: pathlib.Path   # None: built here
    packages: pathlib.Path   # None: the system's
    python: str              # may have PyTorch and JAX
    capability: str          # of the GPU, "90"; empty without one
    folder: pathlib.Path     # of the part: results of its steps
    programs: object = None  # of the step that runs: runner.Programs

    @property
    def home(self):
        return self.prebuilt or self.build

    def program(self, name):
        """Its path. Throws StepSkipped where there is none: a dependency was missing when the rest was built."""
        path = self.home / "bin" / name
        if not os.access(path, os.X_OK):
            raise StepSkipped(f"{name} was not built")
        return path

    def result(self, name):
        """A path for a step's results, which scripts/gpu/part_record.py reads."""
        return self.folder / f"{name}.json"


def judged(check, *arguments):
    """The text of scripts/gpu/part_record.py for a result. Throws StepError if its check fails."""
    try:
        return check(*arguments)
    except part_record.NotRight as error:
        raise StepError(str(error)) from error


# ---- build

def package_options(packages):
    """Names the packages in a folder of scripts/gpu/packages.sh for CMake, which does not search every place in it."""
    if not packages:
        return []
    configs = sorted((packages / "usr").rglob("*Config.cmake"))
    return [f"-D{config.name[:-len('Config.cmake')]}_DIR={config.parent}" for config in configs]


def has_google_benchmark(packages):
    places = [str(packages / "usr/lib/*/cmake/benchmark")] if packages else []
    places += ["/usr/lib/*/cmake/benchmark", "/usr/local/lib*/cmake/benchmark"]
    return any(glob.glob(place) for place in places)


def built_elsewhere(machine):
    if machine.prebuilt:
        raise StepSkipped("built elsewhere")


def configure(machine):
    built_elsewhere(machine)
    bench = "ON" if has_google_benchmark(machine.packages) else "OFF"
    architecture = f"{machine.capability or '90'}-real"
    machine.programs.check(["cmake", "-S", ROOT, "-B", machine.build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                            "-DBELLMAN_CUDA=ON", f"-DBELLMAN_CUDA_ARCHITECTURES={architecture}", f"-DBELLMAN_BENCH={bench}",
                            "-DBELLMAN_WERROR=OFF", *package_options(machine.packages)])
    return f"for {architecture}; benches {bench}"


def targets_there(machine, wanted):
    """Without Google Benchmark the benches are no targets."""
    text = (machine.build / "build.ninja").read_text() if (machine.build / "build.ninja").exists() else ""
    return [target for target in wanted if f"build {target}: phony" in text]


def compile_targets(machine, targets, what):
    """Builds as many as possible: one that does not compile does not stop the others."""
    built_elsewhere(machine)
    code = machine.programs.run(["cmake", "--build", machine.build, "--parallel", os.cpu_count(),
                                 *(["--target", *targets] if targets else []), "--", "-k", "0"])
    if code != 0:
        log = machine.programs.log_path.read_text(errors="replace")
        broken = [line[len("FAILED: "):].split()[0] for line in log.splitlines() if line.startswith("FAILED: ")]
        raise StepError(f"{len(broken)} did not compile, the others did: {', '.join(broken[:5])}" if broken else
                        machine.programs.last_line())
    return what


def build_programs(machine):
    built_elsewhere(machine)
    targets = targets_there(machine, PROGRAMS + BENCHES)
    if not targets:
        raise StepError("nothing is configured")
    return compile_targets(machine, targets, f"{len(targets)} targets")


def build_sanitizer_plugin(machine):
    return compile_targets(machine, [SANITIZER_PLUGIN], "a plugin whose kernels leave registers")


def build_rest(machine):
    return compile_targets(machine, [], "everything")


# ---- correct

def train(machine, name, *arguments):
    folder = machine.folder / name
    shutil.rmtree(folder, ignore_errors=True)
    output = machine.result(name)
    machine.programs.check([machine.program("bellman"), "train", "--env-id", "CartPole-v1", "--device", "cuda", "--quiet",
                            "--json", "--run-dir", folder, *arguments], output=output)
    return folder, output


def smoke(machine):
    _, output = train(machine, "smoke", "--seed", 1, "--total-timesteps", 2000, "--final-eval-episodes", 2)
    report = part_record.read_last_line(output) or {}
    return f"{report.get('total_timesteps')} steps of CartPole-v1, {report.get('gradient_updates')} gradient steps"


def run_tests(machine, name):
    code = machine.programs.run([machine.program(name)], {"BELLMAN_TEST_BACKENDS": "cuda", **test_data(machine)})
    if code != 0:
        lines = machine.programs.log_path.read_text(errors="replace").splitlines()
        first = next((line for line in lines if " ERROR: " in line), machine.programs.last_line())
        raise StepError(f"{name}: exit code {code}: {first[:300]}")
    return counted(machine)


def counted(machine):
    """The number of test cases, from doctest's last line."""
    lines = machine.programs.log_path.read_text(errors="replace").splitlines()
    return next((" ".join(line.split()) for line in reversed(lines) if "test cases:" in line), machine.programs.last_line())


def test_data(machine):
    return {} if machine.prebuilt else {"BELLMAN_TEST_DATA": str(ROOT / "tests" / "data")}


def tests_of(name):
    return lambda machine: run_tests(machine, name)


class Sanitizer:
    """One of compute-sanitizer's tools, over test programs. Throws StepSkipped where something is missing."""

    def __init__(self, machine, tool):
        if not shutil.which("compute-sanitizer"):
            raise StepSkipped("compute-sanitizer is missing")
        plugin = machine.home / "lib" / "for_sanitizers" / "libbellman_cuda.so"
        if not plugin.exists():
            raise StepSkipped(f"{SANITIZER_PLUGIN} was not built")
        self.machine = machine
        self.environment = {"BELLMAN_TEST_BACKENDS": "cuda", "BELLMAN_CUBLAS": "off", "BELLMAN_CUDA_PLUGIN": str(plugin),
                            **test_data(machine)}
        self.command = ["compute-sanitizer", "--tool", tool, "--error-exitcode", "99", "--print-limit", "20"]

    def complaint(self, program, *arguments):
        """Empty when the program succeeded, and the tool reported no error at its end."""
        log = self.machine.programs.log_path
        begin = log.stat().st_size
        code = self.machine.programs.run([*self.command, self.machine.program(program), *arguments], self.environment)
        summaries = re.findall(r"(?:ERROR|RACECHECK) SUMMARY: (\d+)", log.read_bytes()[begin:].decode(errors="replace"))
        if any(count != "0" for count in summaries):
            return f"{program}: {' and '.join(summaries)} errors"
        if code != 0:
            return f"{program}: exit code {code}"
        return "" if summaries else f"{program}: the tool gave no summary"


def racecheck_of(program, test_case):
    def step(machine):
        complaint = Sanitizer(machine, "racecheck").complaint(program, f"--test-case={test_case.replace(',', '?')}")
        if complaint:
            raise StepError(complaint)
        return f"no races; {counted(machine)}"
    return step


def sanitize(tool):
    """All programs, even if the first ones fail."""
    def step(machine):
        sanitizer = Sanitizer(machine, tool)
        complaints = [complaint for program, sources in KERNEL_TESTS
                      if (complaint := sanitizer.complaint(program, f"--source-file={sources}"))]
        if complaints:
            raise StepError("; ".join(complaints))
        return f"{len(KERNEL_TESTS)} test programs without errors"
    return step


# ---- figures

def bench(machine, result, program, *arguments):
    output = machine.result(result)
    machine.programs.check([machine.program(program), f"--benchmark_out={output}", "--benchmark_out_format=json", *arguments])
    return judged(part_record.check_bench, output)


def floors(machine):
    return bench(machine, "floors_bench", "cuda_floors_bench")


def fused(machine):
    return bench(machine, "fused_bench", "cuda_learn_step_bench", "--benchmark_filter=4-64-64-2.*fused")


def ncu(machine):
    """One launch of the fused kernel and one of the agent kernel: where their time goes. The clock is left alone."""
    if not shutil.which("ncu"):
        raise StepSkipped("ncu is missing")
    sections = [word for name in ("SpeedOfLight", "SchedulerStats", "WarpStateStats", "InstructionStats", "LaunchStats",
                                  "MemoryWorkloadAnalysis", "MemoryWorkloadAnalysis_Tables") for word in ("--section", name)]
    common = ["ncu", "--clock-control", "none", *sections, "--launch-count", "1"]
    machine.programs.check([*common, "--kernel-name", "regex:fused_dqn", "--launch-skip", "20", machine.program("cuda_learn_step_bench"),
                            "--benchmark_filter=4-64-64-2.*/fused$"])
    folder = machine.folder / "ncu-sweep"
    shutil.rmtree(folder, ignore_errors=True)
    machine.programs.check([*common, "--kernel-name", "regex:agent_kernel", "--launch-skip", "2", machine.program("bellman"), "sweep",
                            "--env-id", "CartPole-v1", "--preset", "textbook", "--seeds", "1-132", "--device", "cuda",
                            "--total-timesteps", "3000", "--sweep-dir", folder, "--quiet"])
    return "the fused and the agent kernel: see the log"


def ops(machine):
    return bench(machine, "ops_bench", "cuda_ops_bench")


# ---- learn

def cartpole(machine):
    return judged(part_record.check_training, train(machine, "cartpole", "--seed", 1)[1])


def determinism(machine):
    sums = []
    for run in (1, 2):
        folder, _ = train(machine, f"determinism-{run}", "--seed", 2, "--total-timesteps", 6000, "--final-eval-episodes", 2)
        sums.append(hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest())
    if sums[0] != sums[1]:
        raise StepError(f"two trainings differ: model.safetensors {sums[0]} and {sums[1]}")
    return f"model.safetensors {sums[0]} both times"


def needs_torch(machine):
    if not shutil.which(machine.python) or machine.programs.run(
            [machine.python, "-c", "import sys, torch; sys.exit(not torch.cuda.is_available())"]) != 0:
        raise StepSkipped(f"{machine.python} has no PyTorch that sees the GPU")


def peer(result, *arguments):
    def step(machine):
        needs_torch(machine)
        machine.programs.check([machine.python, PEERS / "learn_step_torch_graph.py", *arguments], output=machine.result(result))
        return "PyTorch's"
    return step


def learn_step_1(machine):
    return bench(machine, "learn_step_bench_1", "cuda_learn_step_bench")


def learn_step_2(machine):
    return bench(machine, "learn_step_bench_2", "cuda_learn_step_bench", "--benchmark_filter=recorded|/fused")


def losses(machine):
    needs_torch(machine)
    ours, theirs = machine.result("fixed_batch"), machine.result("losses")
    machine.programs.check([machine.program("fixed_batch"), "cuda"], output=ours)
    machine.programs.check([machine.python, PEERS / "learn_step_torch_graph.py", "--parts", "losses"], output=theirs)
    return judged(part_record.check_losses, ours, theirs)


# ---- loops

def loops(result, workloads):
    def step(machine):
        machine.program("bellman")
        machine.programs.check([sys.executable, ROOT / "scripts/gpu/loops.py", "--bin", machine.home / "bin", "--work",
                                machine.folder, "--result", result, "--python", machine.python, "--workloads", workloads,
                                "--seconds", int(machine.programs.left()) - 5])
        return machine.programs.last_line()
    return step


# ---- suite

def suite(machine):
    if machine.prebuilt:
        raise StepSkipped("built elsewhere")
    code = machine.programs.run(["ctest", "--test-dir", machine.build, "--parallel", os.cpu_count(), "--timeout", "120",
                                 "--output-on-failure"])
    lines = machine.programs.log_path.read_text(errors="replace").splitlines()
    said = next((line for line in reversed(lines) if "tests passed" in line), machine.programs.last_line())
    if code != 0:
        raise StepError(said)
    return said


@dataclasses.dataclass(frozen=True)
class Step:
    name: str
    limit: int  # seconds
    run: object
    needs_gpu: bool = True


PARTS = {
    "build": [Step("configure", 40, configure, False), Step("programs", 400, build_programs, False),
              Step("sanitizer_plugin", 80, build_sanitizer_plugin, False)],
    "correct": [Step("smoke", 40, smoke), Step("tests_fused", 90, tests_of("cuda_backend_tests")),
                Step("tests_agent_kernel", 90, tests_of("cuda_agent_kernel_tests")), Step("tests_ops", 70, tests_of("core_cpu_tests")),
                Step("tests_replay", 40, tests_of("rl_replay_tests")),
                Step("tests_network", 40, tests_of("core_network_tests")),
                Step("tests_trainer", 50, tests_of("rl_trainer_tests")),
                Step("racecheck_fused", 50, racecheck_of("cuda_backend_tests", SMALL_FUSED)),
                Step("racecheck_agent_kernel", 60, racecheck_of("cuda_agent_kernel_tests", SMALL_AGENT_KERNEL))],
    "figures": [Step("floors", 50, floors), Step("fused", 80, fused), Step("ncu", 150, ncu), Step("ops", 220, ops)],
    "learn": [Step("cartpole", 60, cartpole), Step("determinism", 40, determinism), Step("losses", 60, losses),
              Step("learn_step_1", 80, learn_step_1), Step("peer_1", 130, peer("peer_1", "--parts", "learn_step,conv2d")),
              Step("peer_2", 80, peer("peer_2", "--parts", "learn_step")), Step("learn_step_2", 70, learn_step_2)],
    "loops": [Step("population", 250, loops("population", "population/132,population/528")),
              Step("trainings", 280, loops("trainings", "loop/textbook,loop/cleanrl,loop/1024envs"))],
    "ranks": [Step("tests_ranks", 90, tests_of("rl_ranks_tests")), Step("one_gpu", 150, ranks.one_gpu),
              Step("two_gpus", 150, ranks.two_gpus)],
    "sanitizers": [Step(tool, 130, sanitize(tool)) for tool in ("memcheck", "initcheck", "synccheck", "racecheck")],
    "suite": [Step("rest", 300, build_rest, False), Step("tests", 230, suite, False)],
}
