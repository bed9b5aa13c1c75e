#!/usr/bin/env python3
"""Times a sweep of CartPole-v1 as one process, as one rank of MPI and as two.

    bench/ranks/sweep_over_ranks.py [--bellman build/release/bin/bellman] [--seeds 16] [--steps 20000] [--repeat 3] [--json]

Every way trains one run at a time on a rank; the ways take turns, and the least time of each counts. It says the speed of two
ranks beside one process, and what one rank costs. On a machine that does anything else the figures say nothing.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import tempfile
import time

MPIRUN = {
    "Open MPI": ["mpirun.openmpi", "--allow-run-as-root", "--oversubscribe"],
    "MPICH": ["mpirun.mpich"],
}


def seconds_of(prefix, bellman, seeds, steps):
    with tempfile.TemporaryDirectory() as directory:
        command = [*prefix, bellman, "sweep", "--env-id", "CartPole-v1", "--seeds", f"0-{seeds - 1}", "--jobs", "1",
                   "--total-timesteps", str(steps), "--no-stop-when-solved", "--quiet", "--sweep-dir", directory + "/sweep"]
        start = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bellman", default="build/release/bin/bellman", type=pathlib.Path)
    parser.add_argument("--seeds", default=16, type=int)
    parser.add_argument("--steps", default=20000, type=int)
    parser.add_argument("--repeat", default=3, type=int)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    ways = {"one process": []}
    for name, mpirun in MPIRUN.items():
        if shutil.which(mpirun[0]):
            for ranks in (1, 2):
                ways[f"{name}, {ranks} rank{'s' if ranks > 1 else ''}"] = [*mpirun, "-n", str(ranks)]
    seconds = {way: [] for way in ways}
    for _ in range(arguments.repeat):
        for way, prefix in ways.items():
            seconds[way].append(seconds_of(prefix, arguments.bellman.resolve(), arguments.seeds, arguments.steps))
    least = {way: min(times) for way, times in seconds.items()}
    if arguments.json:
        print(json.dumps({"seeds": arguments.seeds, "steps": arguments.steps, "seconds": seconds}))
        return
    for way, time_taken in least.items():
        print(f"{way:20} {time_taken:8.2f} s   {least['one process'] / time_taken:5.3f} x one process")


if __name__ == "__main__":
    main()
