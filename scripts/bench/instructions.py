"""Instructions of a learn step and of whole trainings under callgrind, against bench/records/instructions.json. Called
by scripts/instructions.sh.

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
RECORDING = 0.03  # what it may cost
HOOKS = 0.005  # what they may cost where nothing is recorded
PROGRAMS = {"learn_steps": (2, 7), "training_loop": (1000, 2000)}  # a few steps, and more: gradient or environment steps


stop = functools.partial(programs.stop, "instructions.sh")


def instructions(program, what, how, steps):
    """Instructions of the whole run."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", str(program), what,
                               how, str(steps)], capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        stop(f"{what} {how}: callgrind failed:\n{done.stderr.strip()[-1000:]}")
    return int(found[1])


def count(folder, names=tuple(PROGRAMS)):
    """{"4-64-64-2, op-by-op": instructions of a step}, of these programs in the folder."""
    counts = {}
    for name in names:
        few, many = PROGRAMS[name.removesuffix("_without_hooks")]
        program = folder / name
        listed = subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout.split("\n")
        kinds = [line.split() for line in listed if line]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:  # callgrind uses one core
            counted = list(pool.map(lambda run: instructions(program, *run),
                                    [(*kind, steps) for kind in kinds for steps in (few, many)]))
        for (what, how), less, more in zip(kinds, counted[::2], counted[1::2]):
            counts[f"{what}, {how}"] = round((more - less) / (many - few))
    return counts


def recording(counts):
    """Lines with what recording costs each training, and whether none pays more than it may."""
    lines, good = [], True
    for name, plain in counts.items():
        recorded = counts.get(name.replace(", plain", ", recorded"))
        if not name.endswith(", plain") or recorded is None:
            continue
        is_cheap = recorded <= (1 + RECORDING) * plain
        good = good and is_cheap
        lines.append(f"  {name.removesuffix(', plain'):24}{100 * (recorded / plain - 1):+.2f} %"
                     f"{'' if is_cheap else ': too much'}")
    return lines, good


def hooks(counts, bare):
    """Likewise for the hooks of a recorder, in trainings that have none."""
    costs = {name: counts[name] / bare[name] - 1 for name in bare if name.endswith(", plain")}
    lines = [f"  {name.removesuffix(', plain'):24}{100 * cost:+.3f} %{'' if cost <= HOOKS else ': too much'}"
             for name, cost in costs.items()]
    return lines, all(cost <= HOOKS for cost in costs.values())


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
    parser.add_argument("--programs", type=pathlib.Path, help="the folder with the programs that are counted")
    parser.add_argument("--check-compiler", action="store_true", help="exit code 1 when the record is another's")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--hooks", action="store_true", help="also training_loop_without_hooks")
    args = parser.parse_args()
    if args.write:
        record = {"what": "instructions of a learn step, sampling through Adam, and of an environment step of trainings, "
                          "by callgrind; scripts/instructions.sh",
                  "compiler": args.compiler, "instruction_set": "x86-64-v3", "counts": count(args.programs)}
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
    counts = count(args.programs)
    lines, good = compare(record["counts"], counts)
    costs, is_cheap = recording(counts)
    print("\n".join(["Instructions of a learn step, and of an environment step of trainings:", *lines,
                     f"Recording costs, at most {100 * RECORDING:.0f} % allowed:", *costs]))
    if args.hooks:
        costs, are_cheap = hooks(counts, count(args.programs, ["training_loop_without_hooks"]))
        print("\n".join([f"Its hooks cost a training that records nothing, at most {100 * HOOKS:.1f} % allowed:", *costs]))
        is_cheap = is_cheap and are_cheap
    if not is_cheap:
        print("instructions.sh: recording costs too much (rl/train/recorder.h)", file=sys.stderr)
        sys.exit(1)
    if not good:
        print("instructions.sh: not as recorded. If the change is meant: scripts/instructions.sh --write, and say why in "
              "the commit.", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
