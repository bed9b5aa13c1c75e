#!/usr/bin/env python3
"""How fast is DQN on this machine, how near is that to the machine's limits, and how fast are other programs on the same
work? Called by scripts/bench.sh, whose comment explains the options."""

import argparse
import functools
import os
import pathlib
import subprocess
import sys

import checkout
import compare
import headlines
import page
import peers
import programs
import records
import report
import significance
from measure import Measurement, Plan, part_names, parts_with, programs_of

TARGETS = ("bellman", "fixed_batch", "roof_bench", "sampled_step_bench", "learn_step_bench", "ops_bench", "replay_bench",
           "envs_bench", "train_loop_bench", "bench_peers")


stop = functools.partial(programs.stop, "bench.sh")


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
    parser.add_argument("--op")
    parser.add_argument("--only-arguments", action="store_true")  # for bench.sh: says what is wrong with them, or nothing
    args = parser.parse_args()
    if args.rounds < significance.FEWEST:
        parser.error(f"--rounds is {args.rounds}, must be at least {significance.FEWEST}")
    if args.core not in cores_we_may_use():
        parser.error(f"--core is {args.core}, this process may use {', '.join(map(str, cores_we_may_use()))}")
    if args.new and not args.compare:
        parser.error("--with names the newer record for --compare")
    if args.op and (args.only or args.compare or args.quick):
        parser.error("--op times one op by itself: without --only, --compare and --quick")
    check_parts(parser, args)
    return args


def check_parts(parser, args):
    """Checks that there is something to measure and, with --bin, that the programs exist."""
    parts = parts_with(args.only, args.quick)
    if not parts:
        left_out = [name for name in parts_with(args.only, quick=False)]
        parser.error(f"--quick leaves out {', '.join(left_out)}" if left_out else
                     f"--only is {args.only}, which no part has in its name; parts: {', '.join(part_names())}")
    needed = ["ops_bench"] if args.op else programs_of(parts)
    missing = [name for name in needed if args.bin and not os.access(args.bin / name, os.X_OK)]
    if missing and not args.new:
        parser.error(f"--bin is {args.bin}, which has no {', '.join(missing)}; --only chooses among the parts: "
                     f"{', '.join(part_names())}")


def build(targets=TARGETS):
    print("Building (the first time this takes minutes) ...", file=sys.stderr)
    script = f"source scripts/setup.sh; build_preset bench {' '.join(targets)}"
    if subprocess.run(["bash", "-c", script, "scripts/bench.sh"], cwd=programs.ROOT).returncode != 0:
        stop("bellman could not be built")
    return programs.ROOT / "build" / "bench" / "bin"


def measure(args):
    """The record of this machine, now."""
    load_average = programs.load_average()  # of others: before our own build
    bin_folder = args.bin.resolve() if args.bin else build()
    machine = programs.machine(args.core, bin_folder, load_average)
    plan, rows = Plan(args.quick, args.rounds), records.Rows()
    print("Checking that the peers compute the same ...", file=sys.stderr)
    found, missing, differences = peers.available(args.python, bin_folder, args.core)
    measurement = Measurement(plan, rows, bin_folder, args.core, found, args.only)
    measurement.run()
    return {"schema": records.SCHEMA, "date": programs.today(), "commit": checkout.short_commit(), "machine": machine,
            "quick": args.quick, "rounds": args.rounds,
            "peers": {peer.name: {**peer.facts, "largest_relative_loss_difference": differences[peer.name]}
                      for peer in found},
            "missing_peers": missing, "failed": measurement.failed,
            "wrong": {f"{program}: {name}": message for (program, name), message in rows.errors.items()},
            "rows": rows.list()}


def time_op(args):
    """One op, at the requested size; nothing is recorded."""
    program = (args.bin.resolve() if args.bin else build(["ops_bench"])) / "ops_bench"
    rows = records.Rows()
    try:
        for _ in range(args.rounds):
            rows.add_google_benchmark("ops_bench", programs.run_google_benchmark(
                program, args.core, 0.05, "--op", args.op))
    except programs.ProgramError as error:
        stop(str(error).strip().splitlines()[-1].removeprefix("ops_bench: "))
    for (_, name), message in rows.errors.items():
        stop(f"{name}: {message}")
    print(report.op_text(rows.list(), args.rounds))


def write(args, record, comparison):
    args.out.mkdir(parents=True, exist_ok=True)
    name = f"{record['date']}-{record['commit'] or 'unknown'}".replace(" ", "-")
    records.write(args.out / f"{name}.json", record)
    (args.out / f"{name}.html").write_text(page.html_text(record, headlines.headlines(record["rows"]), comparison))
    print(f"\nWritten: {args.out / name}.json and .html")


def read(path):
    try:
        return records.read(path)
    except ValueError as error:
        stop(str(error))


def main():
    args = arguments()
    old = read(args.compare) if args.compare else None  # first: not after minutes of measuring
    if args.only_arguments:
        return
    if args.op:
        time_op(args)
        return
    record = read(args.new) if args.new else measure(args)
    if not record["rows"]:
        stop("nothing was measured" + "".join(f"; {what}: {why}" for what, why in
                                              {**record["missing_peers"], **record["failed"]}.items()))
    comparison = compare.compare(old, record) if old else None
    if not args.new:
        print(report.text(record, headlines.headlines(record["rows"])))
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
