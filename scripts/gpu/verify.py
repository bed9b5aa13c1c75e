#!/usr/bin/env python3
"""The parts of scripts/gpu_verify.sh, one after the other. Python's standard library alone."""

import argparse
import fcntl
import functools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import bench_modules  # noqa: F401  (finds scripts/bench)
import checkout
import part_record
import part_report
import programs
from checkout import ROOT
from clock import Clock
from progress import Progress, now
from records import write, write_whole
from runner import Programs, StepCut, StepError, StepSkipped
from steps import PARTS, SECONDS_OF_PART, Machine

LEAST_SECONDS = 5  # with fewer left a step does not begin


stop = functools.partial(programs.stop, "gpu_verify.sh")


def arguments():
    parser = argparse.ArgumentParser(prog="gpu_verify.sh", allow_abbrev=False)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--again", default="")
    parser.add_argument("--prebuilt", type=pathlib.Path)
    parser.add_argument("--build-dir", type=pathlib.Path, default=ROOT / "build/gpu")
    parser.add_argument("--packages", type=pathlib.Path)
    parser.add_argument("--records", type=pathlib.Path, default=ROOT / "bench/records", help=argparse.SUPPRESS)  # for tests
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=SECONDS_OF_PART / 60)
    parser.add_argument("--python", default="python3")
    parser.add_argument("--commit")
    parser.add_argument("--allow-no-gpu", action="store_true")
    args = parser.parse_args()
    args.parts = args.parts.split(",")
    for part in args.parts:
        if part not in PARTS:
            stop(f"unknown part {part}; known: {', '.join(PARTS)}")
    names = {step.name for part in args.parts for step in PARTS[part]}
    args.again = [name for name in args.again.split(",") if name]
    for name in args.again:
        if name not in names | {"all", "failed"}:
            stop(f"--again: these parts have no step {name}; they have {', '.join(sorted(names))}")
    if args.minutes <= 0:
        stop(f"--minutes is {args.minutes:g}, must be more than 0")
    if args.prebuilt and not (args.prebuilt / "manifest.json").is_file():
        stop(f"{args.prebuilt} was not filled by scripts/gpu_build_here.sh: it has no manifest.json")
    if args.packages is None and (ROOT / "build/gpu-packages").is_dir():
        args.packages = ROOT / "build/gpu-packages"
    if args.packages and not (args.packages / "usr").is_dir():
        stop(f"{args.packages} was not filled by scripts/gpu/packages.sh: it has no usr/")
    return args


# ---- the machine

def output_of(command):
    """Empty where it fails."""
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def find_gpu():
    """nvidia-smi's first line; empty without a GPU."""
    said = output_of(["nvidia-smi", "-i", "0", "--query-gpu=name,driver_version,compute_cap,memory.total",
                      "--format=csv,noheader"])
    return said.splitlines()[0] if said.count(",") >= 3 else ""


def programs_of(args):
    """(their commit, the place where they were built)."""
    if not args.prebuilt:
        return args.commit or checkout.commit(), "built on this machine"
    manifest = json.loads((args.prebuilt / "manifest.json").read_text())
    return args.commit or manifest["commit"], f"built elsewhere, {manifest['built']}"


def set_environment(args, has_gpu):
    if not shutil.which("nvcc") and os.access("/usr/local/cuda/bin/nvcc", os.X_OK):
        os.environ["PATH"] += ":/usr/local/cuda/bin"
    if has_gpu:
        os.environ["BELLMAN_REQUIRE_GPU"] = "1"
    if args.packages:  # in the environment, so that the test of the installed package finds them, too
        places = [str(args.packages.resolve() / "usr"), os.environ.get("CMAKE_PREFIX_PATH", "")]
        os.environ["CMAKE_PREFIX_PATH"] = ":".join(place for place in places if place)


class Verification:
    def __init__(self, args):
        self.args, self.gpu_line = args, find_gpu()
        self.gpu = part_record.gpu_of(self.gpu_line)
        self.programs = None  # of the step that runs
        self.stopped = False
        self.work = args.build_dir.resolve() / "verify"
        commit, programs = programs_of(args)
        self.facts = {"commit": commit, "gpu": self.gpu, "programs": programs,
                      "cuda": (re.findall(r"V([0-9.]+)", output_of(["nvcc", "--version"])) or [""])[-1]}

    def machine(self, folder):
        resolved = lambda path: path.resolve() if path else None
        return Machine(build=self.args.build_dir.resolve(), prebuilt=resolved(self.args.prebuilt),
                       packages=resolved(self.args.packages), python=self.args.python,
                       capability=self.gpu["compute_capability"].replace(".", "") if self.gpu else "", folder=folder)

    def progress(self, part):
        subject = {key: self.facts[key] for key in ("commit", "programs")} | {"gpu": self.gpu_line}
        return Progress(self.work / part, subject)

    def on_signal(self, number, _):
        self.stopped = True
        if self.programs:
            self.programs.stop()

    # ---- a part

    def run_part(self, part):
        """Whether all of its steps are right or skipped."""
        progress = self.progress(part)
        progress.open()
        repeated = self.repeated(part, progress)
        if repeated:
            progress.forget(repeated)
        waiting = [step for step in PARTS[part] if not progress.has_result(step.name)]
        if not waiting:
            print(f"{part}: done already, {progress.state['name']}; --again repeats it")
        else:
            self.begin(part, progress)
        return all(progress.outcome(step.name) in ("ok", "skipped") for step in PARTS[part])

    def repeated(self, part, progress):
        again = self.args.again
        return [step.name for step in PARTS[part]
                if progress.outcome(step.name) and ("all" in again or step.name in again or
                                                    ("failed" in again and progress.outcome(step.name) == "failed"))]

    def begin(self, part, progress):
        gpu = re.sub(r"[^a-z0-9]+", "-", self.gpu["name"].lower()).strip("-") if self.gpu else "no-gpu"
        name = progress.name(gpu, part, self.folders())
        started = time.monotonic()
        clock = Clock(progress.folder / "clock.csv", started)
        before = progress.state["seconds"]
        print(f"{part}: {name}", flush=True)
        self.write(part, progress)
        try:
            for step in PARTS[part]:
                if not progress.has_result(step.name) and not self.stopped:
                    self.run_step(step, progress, clock, started)
                    progress.state["seconds"] = before + time.monotonic() - started
                    self.write(part, progress)
        finally:
            clock.stop()

    def run_step(self, step, progress, clock, started):
        begin = time.monotonic()
        left = 60 * self.args.minutes - (begin - started)
        if left < LEAST_SECONDS:
            outcome, detail = "cut", f"no time was left of {self.args.minutes:g} minutes"
        elif step.needs_gpu and not self.gpu:
            outcome, detail = "skipped", "no GPU"
        else:
            outcome, detail = self.attempt(step, progress.folder, min(step.limit, left))
        seconds = time.monotonic() - begin
        progress.record(step.name, outcome, seconds, without_places(detail, self.places(progress.folder)),
                        clock.during(begin - started, begin - started + seconds))
        print(f"  {step.name:18} {outcome:8} {seconds:5.0f} s  {detail}", flush=True)

    def attempt(self, step, folder, limit):
        """(outcome, detail). The log of an earlier attempt is kept."""
        log = folder / f"{step.name}.log"
        if log.exists():
            log.rename(folder / f"{step.name}-before-{now():%H%M%S-%f}.log")
        log.touch()
        self.programs = Programs(log, limit)
        machine = self.machine(folder)
        machine.programs = self.programs
        try:
            return "ok", step.run(machine)
        except StepSkipped as reason:
            return "skipped", str(reason)
        except StepCut as reason:
            # A step that its own limit ended has a result; one that the part's end or a signal ended has none.
            return "cut" if self.stopped or limit < step.limit else "failed", str(reason)
        except (StepError, OSError, ValueError, KeyError) as error:
            return "failed", str(error)
        finally:
            self.programs = None

    # ---- its record

    def folders(self):
        return [folder.resolve() for folder in (self.args.records, self.args.out) if folder]

    def places(self, folder):
        return (str(folder), *(str(path.resolve()) for path in (self.args.prebuilt, self.args.build_dir) if path), str(ROOT))

    def write(self, part, progress):
        steps = [{"step": step.name, **progress.state["steps"].get(step.name, {
            "outcome": "not begun", "seconds": 0, "detail": "", "clock": None})} for step in PARTS[part]]
        facts = {"name": progress.state["name"], "date": progress.state["name"][:10], **self.facts,
                 "seconds": round(progress.state["seconds"], 1)}
        found = part_record.assemble(part, steps, progress.folder, facts)
        for folder in self.folders():
            write(folder / f"{facts['name']}.json", found)
            write_whole(folder / f"{facts['name']}.md", part_report.markdown(found))
        logs = f"{facts['name']}.logs.tar.xz"
        progress.pack_logs((self.args.out.resolve() if self.args.out else self.work) / logs)


def without_places(text, places):
    """Removes the checkout's path from a record."""
    for place in places:
        text = text.replace(place + "/", "").replace(place, "")
    return text


def show_list(verification, parts):
    for part in parts:
        limits = sum(step.limit for step in PARTS[part])
        progress = verification.progress(part)
        print(f"{part}: at most {limits} s")
        for step in PARTS[part]:
            print(f"  {step.name:18} {step.limit:4} s  {progress.outcome(step.name) or 'not begun'}")


def main():
    args = arguments()
    verification = Verification(args)
    if args.list:
        show_list(verification, args.parts)
        return
    if not verification.gpu:
        print("gpu_verify.sh: no GPU here: nvidia-smi is missing or sees none", file=sys.stderr)
        if not args.allow_no_gpu:
            stop("nothing was verified; --allow-no-gpu does what can be done without one")
    verification.work.mkdir(parents=True, exist_ok=True)
    lock = open(verification.work / "lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        stop(f"another one runs in {args.build_dir}")
    set_environment(args, bool(verification.gpu))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, verification.on_signal)
    right = True
    for part in args.parts:
        right = not verification.stopped and verification.run_part(part) and right
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
