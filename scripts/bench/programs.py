"""Runs one program after the other on one core, and describes the machine."""

import datetime
import json
import os
import pathlib
import platform
import shutil
import subprocess

from machine import cpu_name

ROOT = pathlib.Path(__file__).resolve().parents[2]


class ProgramError(Exception):
    """A program failed, or reported an error. The message is for the terminal."""


def on_core(core):
    return ["taskset", "-c", str(core)] if shutil.which("taskset") else []


def run(command, core, limit=600):
    """Its standard output."""
    words = [*on_core(core), *map(str, command)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    name = " ".join(pathlib.Path(str(word)).name for word in command[:2])
    try:
        done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired as error:
        raise ProgramError(f"{name} took more than {limit} s") from error
    except OSError as error:
        raise ProgramError(f"{name}: {error.strerror}") from error
    if done.returncode != 0:
        raise ProgramError(f"{name} failed with exit code {done.returncode}:\n{done.stderr.strip()[-2000:]}")
    return done.stdout


def run_json(command, core):
    """The JSON object on its last line."""
    lines = run(command, core).strip().splitlines()
    try:
        return json.loads(lines[-1])
    except (IndexError, json.JSONDecodeError) as error:
        raise ProgramError(f"{pathlib.Path(str(command[0])).name} printed no JSON object") from error


def run_google_benchmark(program, core, min_time, *arguments):
    """Its report. Versions from 1.8 require a unit on the time, earlier ones none."""
    base = [program, "--benchmark_format=json", *arguments]
    try:
        output = run([*base, f"--benchmark_min_time={min_time}"], core)
    except ProgramError:
        output = run([*base, f"--benchmark_min_time={min_time}s"], core)
    return json.loads(output) if output.strip() else {"benchmarks": []}


def first_line(command):
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip().splitlines()[0]
    except (OSError, IndexError):
        return None


def read_text(path):
    try:
        return pathlib.Path(path).read_text().strip()
    except OSError:
        return None


def compiler(bin_folder):
    """The programs' compiler, as CMake recorded it."""
    cache = read_text(pathlib.Path(bin_folder).parent / "CMakeCache.txt") or ""
    for line in cache.splitlines():
        if line.startswith("CMAKE_CXX_COMPILER:"):
            return first_line([line.split("=", 1)[1], "--version"])
    return None


def load_average():
    """The load average of the last minute."""
    return round(os.getloadavg()[0], 2)


def machine(core, bin_folder, load_average_at_start):
    governor = f"/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor"
    return {"cpu": cpu_name(), "architecture": platform.machine(), "cores": os.cpu_count(), "core": core,
            "kernel": platform.release(), "governor": read_text(governor), "compiler": compiler(bin_folder),
            "load_average_at_start": load_average_at_start}


def commit():
    name = first_line(["git", "rev-parse", "--short", "HEAD"])
    changed = first_line(["git", "status", "--porcelain", "--untracked-files=no"])
    return f"{name}{' and changes' if changed else ''}" if name else None


def today():
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()
