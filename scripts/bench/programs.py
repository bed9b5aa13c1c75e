"""Runs programs one after the other, and describes the machine."""

import datetime
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys

from checkout import ROOT


def stop(script, message, code=2):
    """Ends the script with a message."""
    print(f"{script}: {message}", file=sys.stderr)
    sys.exit(code)


class ProgramError(Exception):
    """A program failed, or did other work than requested. `line` says it in one line; the whole message has more."""

    def __init__(self, line, message=None):
        super().__init__(message or line)
        self.line = line


def on_core(core):
    return ["taskset", "-c", str(core)] if core is not None and shutil.which("taskset") else []


def run(command, core=None, limit=600):
    """Its standard output. `core`: it is bound to this one and has one thread; None: it has all."""
    words = [*on_core(core), *map(str, command)]
    environment = dict(os.environ)
    if core is not None:
        environment |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    name = " ".join(pathlib.Path(str(word)).name for word in command[:2])
    try:
        done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired as error:
        raise ProgramError(f"{name} took more than {limit:.0f} s") from error
    except OSError as error:
        raise ProgramError(f"{name}: {error.strerror}") from error
    if done.returncode != 0:
        said = done.stderr.strip()
        raise ProgramError(f"{name}: exit code {done.returncode}: {said.splitlines()[-1] if said else 'it said nothing'}",
                           f"{name}: exit code {done.returncode}:\n{said[-2000:]}")
    return done.stdout


def run_json(command, core=None, limit=600):
    """The JSON object on its last line."""
    lines = run(command, core, limit).strip().splitlines()
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


def cpu_name():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def load_average():
    """The load average of the last minute."""
    return round(os.getloadavg()[0], 2)


def machine(core, bin_folder, load_average_at_start):
    governor = f"/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor"
    return {"cpu": cpu_name(), "architecture": platform.machine(), "cores": os.cpu_count(), "core": core,
            "kernel": platform.release(), "governor": read_text(governor), "compiler": compiler(bin_folder),
            "load_average_at_start": load_average_at_start}


def today():
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()
