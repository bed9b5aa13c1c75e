"""Instructions of a learn step under callgrind, against bench/records/instructions.json. Called by
scripts/instructions.sh.

Counted are two runs of a few steps more and less: their difference, divided, is a step's, without the start."""

import argparse
import concurrent.futures
import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import programs
from checkout import ROOT

RECORD = ROOT / "bench" / "records" / "instructions.json"
TOLERANCE = 0.02
FEW, MANY = 2, 7  # steps


stop = functools.partial(programs.stop, "instructions.sh")


def instructions(program, network, learner, steps):
    """Instructions of the whole run."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", str(program), network,
                               learner, str(steps)], capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        stop(f"{network} {learner}: callgrind failed:\n{done.stderr.strip()[-1000:]}")
    return int(found[1])


def count(program):
    """{"4-64-64-2, op-by-op": instructions of a step}."""
    listed = subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout.split("\n")
    kinds = [line.split() for line in listed if line]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:  # callgrind uses one core
        counted = list(pool.map(lambda run: instructions(program, *run),
                                [(*kind, steps) for kind in kinds for steps in (FEW, MANY)]))
    return {f"{network}, {learner}": round((many - few) / (MANY - FEW))
            for (network, learner), few, many in zip(kinds, counted[::2], counted[1::2])}


def compare(recorded, counted):
    """Lines for the terminal, and whether every count has a record and is within its tolerance."""
    lines, good = [], True
    for name in dict.fromkeys([*recorded, *counted]):
        old, new = recorded.get(name), counted.get(name)
        if old is None or new is None:
            word, good = ("has no record" if old is None else "is recorded, and there is none"), False
        else:
            within = abs(new - old) <= TOLERANCE * old
            word, good = f"{100 * (new / old - 1):+.2f} %{'' if within else ': more than 2 % off'}", good and within
        lines.append(f"  {name:24}{new or 0:14,d}  recorded {old or 0:14,d}  {word}")
    return lines, good


def compiler_name(line):
    """g++ (Debian 12.2.0-14) 12.2.0, c++ ...: the same compiler under two names."""
    return line.split(" ", 1)[-1]


def same_compiler(recorded, ours):
    if compiler_name(recorded) == compiler_name(ours):
        return True
    print(f"SKIPPED: the record is of {recorded}; this is {ours}. Another compiler makes other instructions.")
    return False


def main():
    parser = argparse.ArgumentParser(prog="instructions.sh", description=__doc__)
    parser.add_argument("--compiler", required=True, help="the first line of its --version")
    parser.add_argument("--program", type=pathlib.Path)
    parser.add_argument("--check-compiler", action="store_true", help="exit code 1 when the record is another's")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    if args.write:
        record = {"what": "instructions of a learn step, sampling through Adam, by callgrind; scripts/instructions.sh",
                  "compiler": args.compiler, "instruction_set": "x86-64-v3", "counts": count(args.program)}
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
        print(f"Written: {RECORD.relative_to(ROOT)}: {record['counts']}")
        return
    try:
        record = json.loads(RECORD.read_text())
    except (OSError, json.JSONDecodeError) as error:
        stop(f"{RECORD.relative_to(ROOT)}: {error}")
    if not same_compiler(record["compiler"], args.compiler):
        sys.exit(1 if args.check_compiler else 0)
    if args.check_compiler:
        return
    lines, good = compare(record["counts"], count(args.program))
    print("\n".join(["Instructions of a learn step:", *lines]))
    if not good:
        print("instructions.sh: not as recorded. If the change is meant: scripts/instructions.sh --write, and say why in "
              "the commit.", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
