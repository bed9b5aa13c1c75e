#!/usr/bin/env python3
"""What scripts/gpu_verify.sh checks and writes down. Python's standard library alone.

    gpu_record.py check-bench FILE             Google Benchmark's JSON: something was timed, and nothing was wrong
    gpu_record.py check-training FILE          what `bellman train --json` printed: the environment was solved
    gpu_record.py check-losses OURS PEER       ten losses on one batch, of fixed_batch and of each way of its peer, agree
    gpu_record.py write --work DIR --steps A,B --gpu TEXT --cuda TEXT --commit TEXT --seconds N --out DIR...
                                               the record, as JSON and as a table

Exit code 1: what was checked is not so; the last line says why.
"""

import argparse
import datetime
import json
import math
import os
import pathlib
import re
import statistics
import sys

import gpu_tables

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "bench"))
from machine import cpu_name

LOSS_TOLERANCE = 1e-4  # relative; ten Adam steps in float32, summed in another order (scripts/bench/peers.py)
LIKE_A_PEER = ("recorded", "fused", "fused_x16")  # do what a peer's learn step does: a batch that stays


def stop(message):
    print(message)
    sys.exit(1)


def read_json(path):
    """None when the file is not there or not whole: its step failed or was skipped."""
    try:
        return json.loads(pathlib.Path(path).read_text())
    except (OSError, ValueError):
        return None


def read_last_line(path):
    try:
        return json.loads(pathlib.Path(path).read_text().strip().splitlines()[-1])
    except (OSError, ValueError, IndexError):
        return None


# ---- checks

def check_bench(path):
    report = read_json(path)
    if not report or not report.get("benchmarks"):
        stop(f"{pathlib.Path(path).name}: nothing was timed")
    wrong = [f"{b['name'].split('/iterations:')[0]}: {b.get('error_message', '')}"
             for b in report["benchmarks"] if b.get("error_occurred")]
    if wrong:
        print("\n".join(wrong))
        stop(f"{len(wrong)} of {len(report['benchmarks'])} are wrong: {wrong[0]}")
    print(f"{len(report['benchmarks'])} timed, all checked")


def check_training(path):
    report = read_last_line(path)
    if report is None:
        stop("bellman train printed no JSON object")
    if report.get("solved_at_timestep") is None:
        stop(f"not solved after {report.get('total_timesteps')} steps")
    print(f"solved at step {report['solved_at_timestep']}; {report['total_timesteps']} steps in "
          f"{report['wall_seconds']:.1f} s, {report['gradient_steps_per_second']:.0f} gradient steps/s")


def largest(differences):
    """NaN when one of them is, or when there is none."""
    differences = list(differences)
    return next((d for d in differences if d != d), max(differences, default=math.nan))


def loss_differences(ours, peer):
    """{way of the peer: largest relative difference of its losses to ours}; NaN where there is nothing to compare."""
    a = (ours or {}).get("fixed_batch_losses") or []
    ways = (peer or {}).get("fixed_batch_losses") or {}
    return {way: largest(abs(x - y) / abs(y) for x, y in zip(a, b)) if len(a) == len(b) else math.nan
            for way, b in ways.items()}


def check_losses(ours_path, peer_path):
    differences = loss_differences(read_last_line(ours_path), read_last_line(peer_path))
    if not differences:
        stop("there are no losses of a peer to compare")
    for way, difference in differences.items():
        if not difference <= LOSS_TOLERANCE:
            stop(f"{way}: the losses on one batch differ by {difference:.1e}, allowed is {LOSS_TOLERANCE:.0e}")
    print(f"losses on one batch agree within {largest(differences.values()):.1e}: {', '.join(differences)}")


# ---- the record

def bench_figures(path):
    """{name: {us, and the program's own counters}} of the benchmarks that were right."""
    report = read_json(path) or {}
    figures = {}
    for b in report.get("benchmarks", []):
        if b.get("error_occurred") or b.get("run_type", "iteration") != "iteration":
            continue
        to_us = {"ns": 1e-3, "us": 1.0, "ms": 1e3, "s": 1e6}[b["time_unit"]]
        figure = {"us": b["real_time"] * to_us}
        for counter in ("GB/s", "of_copy", "GFLOP/s", "of_fp32", "steps/s"):
            if counter in b:
                figure[counter] = b[counter]
        figures[b["name"].split("/iterations:")[0]] = figure
    return figures


def learn_steps(work):
    """Ours and the peer's, each twice, in turn; the ratio of the means, to the fastest of the peer's ways."""
    ours = [bench_figures(work / f"learn_step_bench_{i}.json") for i in (1, 2)]
    peers = [(read_last_line(work / f"peer_{i}.json") or {}).get("learn_step", {}) for i in (1, 2)]
    rows = {}
    for name, figure in ours[0].items():
        place, variant = name.rsplit("/", 1)
        mine = [run[name]["us"] for run in ours if name in run]
        row = {**figure, "us": statistics.mean(mine), "runs_us": mine}
        ways = {way for run in peers for way in run.get(place, {})}
        if ways and variant in LIKE_A_PEER:
            row["peers"] = {way: peer_figure([run[place][way] for run in peers if way in run.get(place, {})])
                            for way in sorted(ways)}
            row["fastest_peer"] = min(row["peers"], key=lambda way: row["peers"][way]["us"])
            row["ratio"] = row["peers"][row["fastest_peer"]]["us"] / row["us"]
        rows[name] = row
    return rows


def peer_figure(runs):
    return {"us": statistics.mean(run["us"] for run in runs), "runs_us": [run["us"] for run in runs],
            "compile_seconds": [run["compile_seconds"] for run in runs]}


def loops(work):
    """Whole loops: the medians of each program's runs, and how many times as fast ours are as the fastest peer."""
    report = read_json(work / "loops.json") or {}
    rows = {}
    for name, workload in report.get("workloads", {}).items():
        programs = {program: loop_figure(runs) for program, runs in workload["programs"].items() if runs}
        peers = {program: figure["env_steps_per_second"] for program, figure in programs.items()
                 if not gpu_tables.is_ours(program)}
        for program, figure in programs.items():
            if peers and program not in peers:
                figure["fastest_peer"] = max(peers, key=peers.get)
                figure["ratio"] = figure["env_steps_per_second"] / max(peers.values())
        rows[name] = {"agents": workload["agents"], "settings": workload["settings"], "programs": programs}
    return {"workloads": rows, "missing": report.get("missing", {}), "wrong": report.get("wrong", {}),
            "loss_difference": report.get("loss_difference", {}), "versions": report.get("versions", {})}


def loop_figure(runs):
    """The medians of what are numbers; what the program was faster with; and each run's rate."""
    figure = {key: statistics.median(run[key] for run in runs) for key, value in runs[0].items()
              if key != "variant" and isinstance(value, (int, float))}
    figure.update({"variant": runs[0]["variant"]} if "variant" in runs[0] else {})
    return {**figure, "runs": [run["env_steps_per_second"] for run in runs]}


def ops(work):
    figures = bench_figures(work / "ops_bench.json")
    peer = (read_last_line(work / "peer_1.json") or {}).get("conv2d_us", {})
    for name, figure in figures.items():
        library = figures.get(name[:-len("/ours")] + "/cublas") if name.endswith("/ours") else None
        if library:
            figure.update(cublas_us=library["us"], ratio=library["us"] / figure["us"])
        elif name in peer:
            figure.update(cudnn_us=peer[name]["us"], ratio=peer[name]["us"] / figure["us"])
    return figures


def torch_version(work):
    return (read_last_line(work / "peer_1.json") or {}).get("torch_version")


def read_steps(work, names):
    steps = []
    for name in names:
        try:
            fields = (work / f"{name}.step").read_text().rstrip("\n").split("\t", 3)
        except OSError:
            fields = [name, "failed", "0", "it left no outcome"]
        detail = without_places(fields[3], work)
        steps.append({"step": name, "outcome": fields[1], "seconds": int(fields[2]), "detail": detail})
    return steps


def without_places(text, work):
    """A record says nothing of where a checkout lies."""
    for folder in (str(work), str(work.parent), os.getcwd()):
        text = text.replace(folder + "/", "")
    return text


def gpu_of(text):
    """nvidia-smi's line "name, driver, compute capability, memory"; None without a GPU."""
    if not text.strip():
        return None
    name, driver, capability, memory = (field.strip() for field in text.split(",", 3))
    return {"name": name, "driver": driver, "compute_capability": capability, "memory": memory}


def assemble(args):
    work = args.work.resolve()
    training = read_last_line(work / "cartpole.json")
    context = (read_json(work / "ops_bench.json") or {}).get("context", {})
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "commit": args.commit,
        "gpu": gpu_of(args.gpu),
        "cuda": args.cuda,
        "torch": torch_version(work),
        "host": f"{cpu_name()}, {os.cpu_count()} cores",
        "measured_copy_bytes_per_second": float(context.get("copy_bytes_per_second", "nan")),
        "measured_fp32_flops_per_second": float(context.get("fp32_flops_per_second", "nan")),
        "seconds": args.seconds,
        "steps": read_steps(work, args.steps.split(",")),
        "training": training and {key: training.get(key) for key in
                                  ("env_id", "seed", "total_timesteps", "solved_at_timestep", "gradient_updates",
                                   "wall_seconds", "env_steps_per_second", "gradient_steps_per_second")},
        "largest_relative_loss_differences": loss_differences(read_last_line(work / "fixed_batch.json"),
                                                              read_last_line(work / "losses.json")),
        "learn_step": learn_steps(work),
        "missing_peers": {way: why for part in ("losses", "peer_1", "peer_2")
                          for way, why in (read_last_line(work / f"{part}.json") or {}).get("missing", {}).items()},
        "loops": loops(work),
        "floors": bench_figures(work / "floors_bench.json"),
        "ops": ops(work),
    }


def without_nan(value):
    """JSON has no NaN: null."""
    if isinstance(value, dict):
        return {key: without_nan(v) for key, v in value.items()}
    if isinstance(value, list):
        return [without_nan(v) for v in value]
    return None if isinstance(value, float) and value != value else value


def write(args):
    record = assemble(args)
    gpu = record["gpu"]["name"] if record["gpu"] else "no-gpu"
    name = f"{record['date']}-{re.sub(r'[^a-z0-9]+', '-', gpu.lower()).strip('-')}"
    for folder in args.out:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps(without_nan(record), indent=1, ensure_ascii=False) + "\n")
        (folder / f"{name}.md").write_text(gpu_tables.markdown(record))
        print(f"{folder / name}.json, {folder / name}.md")


def main():
    parser = argparse.ArgumentParser(description="What scripts/gpu_verify.sh checks and writes down.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check-bench").add_argument("file")
    commands.add_parser("check-training").add_argument("file")
    losses = commands.add_parser("check-losses")
    losses.add_argument("ours")
    losses.add_argument("peer")
    writing = commands.add_parser("write")
    writing.add_argument("--work", type=pathlib.Path, required=True, help="where the steps left what they found")
    writing.add_argument("--steps", required=True)
    writing.add_argument("--gpu", required=True, help="name, driver, compute capability, memory; empty: none")
    writing.add_argument("--cuda", required=True)
    writing.add_argument("--commit", required=True)
    writing.add_argument("--seconds", type=int, required=True)
    writing.add_argument("--out", type=pathlib.Path, action="append", required=True)
    args = parser.parse_args()
    if args.command == "check-bench":
        check_bench(args.file)
    elif args.command == "check-training":
        check_training(args.file)
    elif args.command == "check-losses":
        check_losses(args.ours, args.peer)
    else:
        write(args)


if __name__ == "__main__":
    main()
