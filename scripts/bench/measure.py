"""The rounds: in each, every program measures everything once, peers right before or after ours, in turn.

Round 1 runs each pair as A B, round 2 as B A, and so on: A B B A, so that a drift of the machine hits both alike.
"""

import statistics
import sys
import tempfile

import peers
from headlines import SEEDS
from programs import ProgramError, run_google_benchmark, run_json

# Ours of a pair with a peer first; the others follow in this order.
PAIRED_BENCHES = ("sampled_step_bench", "learn_step_bench")
OTHER_BENCHES = ("roof_bench", "ops_bench", "replay_bench", "envs_bench", "train_loop_bench")
SOLVE = "CartPole to solved"
ONE_CORE = "-threads:[2-9]"  # all but the rows for several threads: everything here runs on one core
QUICK_PATTERNS = {"roof_bench": "fma_peak|bytes:(16384|262144|4194304|67108864)/", "sampled_step_bench": ONE_CORE,
                  "learn_step_bench": "threads:1/tiled", "replay_bench": "prioritized_sample_and_update",
                  "envs_bench": "CartPole-v1", "ops_bench": None, "train_loop_bench": None}


def part_names():
    """The names of everything that a round can do, with every peer."""
    with_every_peer = Measurement(Plan(False, 0), None, None, 0, peers.all_peers())
    pairs = [f"{what}: {name}" for what, _, theirs in with_every_peer.pairs(0) for name in ("bellman", *dict(theirs))]
    return [*pairs, *OTHER_BENCHES, SOLVE]


def parts_with(text, quick):
    """The parts whose name contains the text; a quick run skips some."""
    return [name for name in part_names() if (text or "") in name and not (quick and QUICK_PATTERNS.get(name, "") is None)]


def programs_of(parts):
    """Our programs, which the measurements need."""
    needed = []
    for part in parts:
        if part == "learn steps: bellman":
            needed += PAIRED_BENCHES
        elif part in OTHER_BENCHES:
            needed.append(part)
        elif part == SOLVE or part.endswith(": bellman"):
            needed.append("bellman")
    return list(dict.fromkeys(needed))


class Plan:
    """The amount of work."""

    def __init__(self, quick, rounds):
        self.quick, self.rounds = quick, rounds
        self.min_time = 0.02 if quick else 0.05  # seconds of each benchmark in each round
        self.peer_seconds = 0.2 if quick else 0.4
        self.timesteps = 3000 if quick else 6000


def note(text):
    print(f"\r\033[K{text}" if sys.stderr.isatty() else text, end="" if sys.stderr.isatty() else "\n",
          file=sys.stderr, flush=True)


class Measurement:
    def __init__(self, plan, rows, bin_folder, core, found_peers, only=None):
        self.plan, self.rows, self.bin, self.core, self.only = plan, rows, bin_folder, core, only
        self.peers = found_peers
        self.failed = {}  # program: why; it is not run again

    def bench(self, program):
        pattern = QUICK_PATTERNS[program] if self.plan.quick else ONE_CORE
        if pattern is None:
            return
        self.rows.add_google_benchmark(program, run_google_benchmark(self.bin / program, self.core, self.plan.min_time,
                                                                     f"--benchmark_filter={pattern}"))

    def solve(self):
        """CartPole-v1 with its preset: the median over the seeds of the time to the threshold. A seed that never gets there
        contributes all of its time, and is counted."""
        seconds, unsolved = [], 0
        with tempfile.TemporaryDirectory() as folder:
            for seed in range(1, SEEDS + 1):
                report = run_json([self.bin / "bellman", "train", "--env-id", "CartPole-v1", "--seed", seed, "--threads",
                                   1, "--run-dir", f"{folder}/{seed}", "--quiet", "--json"], self.core)
                solved = report["solved_at_timestep"] is not None
                unsolved += not solved
                seconds.append(report["seconds_to_solve"] if solved else report["wall_seconds"])
        self.rows.add("bellman", f"solve/CartPole-v1/seeds:{SEEDS}", "us", 1e6 * statistics.median(seconds),
                      "median of the seeds", {"unsolved": unsolved})

    def our_loop(self, work, seed):
        with tempfile.TemporaryDirectory() as folder:
            peers.bellman_loop(self.bin, self.rows, self.core, seed, self.plan.timesteps, work, folder)

    def pairs(self, seed):
        """(what, ours, [(peer, the peer's)]): those of a pair run one after the other."""
        yield "learn steps", lambda: [self.bench(program) for program in PAIRED_BENCHES], [
            (peer.name, lambda p=peer: peers.learn_steps(p, self.bin, self.rows, self.core, self.plan.peer_seconds))
            for peer in self.peers if peer.times_steps]
        looping = [peer for peer in self.peers if peer.loop]
        for work in dict.fromkeys(["loop/textbook", *(peer.loop_work for peer in looping)]):  # the textbook's in any case
            yield work, lambda work=work: self.our_loop(work, seed), [
                (peer.name, lambda p=peer: peers.loop(p, self.rows, self.core, seed, self.plan.timesteps))
                for peer in looping if peer.loop_work == work]

    def attempt(self, what, call):
        """A program that fails is named at the end, and the others continue."""
        if what in self.failed or (self.only and self.only not in what):
            return
        note(f"{self.progress}: {what}")
        try:
            call()
        except (ProgramError, KeyError, ValueError) as error:
            self.failed[what] = str(error)

    def round(self, number):
        self.progress = f"round {number} of {self.plan.rounds}"
        for what, ours, theirs in self.pairs(seed=number):
            turns = [("bellman", ours), *theirs]
            for name, call in turns if number % 2 == 1 else reversed(turns):
                self.attempt(f"{what}: {name}", call)
        for program in OTHER_BENCHES:
            self.attempt(program, lambda: self.bench(program))
        self.attempt(SOLVE, self.solve)

    def prepare(self):
        """Prepares a peer before the rounds; if that fails, the peer's loop is not timed."""
        for peer in self.peers:
            if peer.name == "JAX":
                self.progress = "before the rounds"
                self.attempt("loop/textbook: JAX", lambda p=peer: peers.choose_jax_variant(p, self.core,
                                                                                          self.plan.timesteps))

    def run(self):
        self.prepare()
        for number in range(1, self.plan.rounds + 1):
            self.round(number)
        if sys.stderr.isatty():
            note("")
