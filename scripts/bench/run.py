#!/usr/bin/env python3
"""How fast is DQN on this machine, how near is that to what the machine can do, and what do other programs take on the
same work? Called by scripts/bench.sh, whose comment says what the options are."""

import argparse
import os
import pathlib
import subprocess
import sys

import compare
import headlines
import page
import peers
import programs
import rows as row_files
import significance
import table
from measure import Measurement, Plan

TARGETS = ("bellman", "fixed_batch", "roof_bench", "sampled_step_bench", "learn_step_bench", "ops_bench", "replay_bench",
           "envs_bench", "train_loop_bench", "bench_peers")


def stop(message, code=2):
    print(f"bench.sh: {message}", file=sys.stderr)
    sys.exit(code)


def cores_we_may_use():
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]


def arguments():
    parser = argparse.ArgumentParser(prog="bench.sh", add_help=False, allow_abbrev=False)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--core", type=int, default=cores_we_may_use()[-1])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/bench-results"))
    parser.add_argument("--compare", type=pathlib.Path)
    parser.add_argument("--with", dest="new", type=pathlib.Path)
    parser.add_argument("--python")
    parser.add_argument("--bin", type=pathlib.Path)
    parser.add_argument("--only")
    parser.add_argument("--only-arguments", action="store_true")  # for bench.sh: says what is wrong with them, or nothing
    args = parser.parse_args()
    if args.rounds < significance.FEWEST:
        parser.error(f"--rounds is {args.rounds}, must be at least {significance.FEWEST}")
    if args.core not in cores_we_may_use():
        parser.error(f"--core is {args.core}, this process may use {', '.join(map(str, cores_we_may_use()))}")
    if args.new and not args.compare:
        parser.error("--with names the newer record for --compare")
    return args


def build():
    print("Building (the first time this takes minutes) ...", file=sys.stderr)
    script = f"source scripts/setup.sh; build_preset bench {' '.join(TARGETS)}"
    if subprocess.run(["bash", "-c", script, "scripts/bench.sh"], cwd=programs.ROOT).returncode != 0:
        stop("bellman could not be built")
    return programs.ROOT / "build" / "bench" / "bin"


def measure(args):
    """The record of this machine, now."""
    load_average = programs.load_average()  # of others: before our own build
    bin_folder = args.bin.resolve() if args.bin else build()
    machine = programs.machine(args.core, bin_folder, load_average)
    plan, rows = Plan(args.quick, args.rounds), row_files.Rows()
    print("Checking that the peers compute the same ...", file=sys.stderr)
    found, missing, differences = peers.available(args.python, bin_folder, args.core)
    measurement = Measurement(plan, rows, bin_folder, args.core, found, args.only)
    measurement.run()
    return {"schema": row_files.SCHEMA, "date": programs.today(), "commit": programs.commit(), "machine": machine,
            "quick": args.quick, "rounds": args.rounds,
            "peers": {peer.name: {**peer.facts, "largest_relative_loss_difference": differences[peer.name]}
                      for peer in found},
            "missing_peers": missing, "failed": measurement.failed,
            "wrong": {f"{program}: {name}": message for (program, name), message in rows.errors.items()},
            "rows": rows.list()}


def write(args, record, comparison):
    args.out.mkdir(parents=True, exist_ok=True)
    name = f"{record['date']}-{record['commit'] or 'unknown'}".replace(" ", "-")
    row_files.write(args.out / f"{name}.json", record)
    (args.out / f"{name}.html").write_text(page.html_text(record, headlines.headlines(record["rows"]), comparison))
    print(f"\nWritten: {args.out / name}.json and .html")


def read(path):
    try:
        return row_files.read(path)
    except ValueError as error:
        stop(str(error))


def main():
    args = arguments()
    old = read(args.compare) if args.compare else None  # first: not after minutes of measuring
    if args.only_arguments:
        return
    record = read(args.new) if args.new else measure(args)
    comparison = compare.compare(old, record) if old else None
    if not args.new:
        print(table.text(record, headlines.headlines(record["rows"])))
        write(args, record, comparison)
    if comparison:
        print(f"\nAgainst {args.compare}, of {old['date']}, commit {old['commit']}:\n{compare.text(comparison)}")
    for what, why in {**record["failed"], **record["wrong"]}.items():
        print(f"bench.sh: {what}: {why}", file=sys.stderr)
    if record["failed"] or record["wrong"]:
        sys.exit(2)
    if comparison and compare.counts(comparison)["slower"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
