"""The checks of scripts/gpu_verify.sh, and the record of a part. Python's standard library alone."""

import json
import os
import pathlib
import statistics

import bench_modules  # noqa: F401  (finds scripts/bench)
import part_report
from losses import LOSS_TOLERANCE, agree, largest, loss_difference
from programs import cpu_name
from records import SCHEMA, benchmark_name, benchmarks, microseconds, without_nan

OUR_LEARN_STEPS = ("fused_bench", "learn_step_bench_1", "learn_step_bench_2")  # of a part, those that were timed
LOOPS = ("population", "trainings")
LIKE_A_PEER = ("recorded", "fused", "fused_x16")  # do what a peer's learn step does: a batch that stays


class NotRight(Exception):
    """A check failed. The message is for the record."""


def read_json(path):
    """None when the file is missing: its step failed or was skipped. Of a truncated file, which a benchmark leaves when its
    time is over, the complete entries."""
    try:
        text = pathlib.Path(path).read_text()
    except OSError:
        return None
    for whole in (text, text[:text.rfind("\n    }") + 6] + "]}"):
        try:
            return json.loads(whole)
        except ValueError:
            continue
    return None


def read_last_line(path):
    try:
        return json.loads(pathlib.Path(path).read_text().strip().splitlines()[-1])
    except (OSError, ValueError, IndexError):
        return None


# ---- checks

def check_bench(path):
    """Checks Google Benchmark's JSON: something was timed, and nothing failed."""
    report = read_json(path)
    if not report or not report.get("benchmarks"):
        raise NotRight(f"{pathlib.Path(path).name}: nothing was timed")
    wrong = [f"{benchmark_name(b['name'])}: {b.get('error_message', '')}"
             for b in report["benchmarks"] if b.get("error_occurred")]
    if wrong:
        raise NotRight(f"{len(wrong)} of {len(report['benchmarks'])} are wrong: {wrong[0]}")
    return f"{len(report['benchmarks'])} timed, all checked"


def check_training(path):
    """Checks the output of `bellman train --json`: the environment was solved."""
    report = read_last_line(path)
    if report is None:
        raise NotRight("bellman train printed no JSON object")
    if report.get("solved_at_timestep") is None:
        raise NotRight(f"not solved after {report.get('total_timesteps')} steps")
    return (f"solved at step {report['solved_at_timestep']}; {report['total_timesteps']} steps in "
            f"{report['wall_seconds']:.1f} s, {report['gradient_steps_per_second']:.0f} gradient steps/s")


def loss_differences(ours, peer):
    """{way of the peer: largest relative difference of its losses to ours}; NaN where there is nothing to compare."""
    a = (ours or {}).get("fixed_batch_losses") or []
    ways = (peer or {}).get("fixed_batch_losses") or {}
    return {way: loss_difference(a, b) for way, b in ways.items()}


def check_losses(ours_path, peer_path):
    """Ten losses on one batch, of fixed_batch and of each way of its peer, agree."""
    differences = loss_differences(read_last_line(ours_path), read_last_line(peer_path))
    if not differences:
        raise NotRight("there are no losses of a peer to compare")
    for way, difference in differences.items():
        if not agree(difference):
            raise NotRight(f"{way}: the losses on one batch differ by {difference:.1e}, allowed is {LOSS_TOLERANCE:.0e}")
    return f"losses on one batch agree within {largest(differences.values()):.1e}: {', '.join(differences)}"


# ---- the record

def bench_figures(path):
    """{name: {us, and the program's own counters}} of the benchmarks that passed their check."""
    figures = {}
    for b, name in benchmarks(read_json(path) or {}):
        figures[name] = {"us": microseconds(b, "real_time"),
                         **{counter: b[counter] for counter in ("GB/s", "of_copy", "GFLOP/s", "of_fp32", "steps/s") if counter in b}}
    return figures


def learn_steps(work):
    """Ours and the peer's, each twice, in turn; the ratio of the means, to the fastest of the peer's ways."""
    ours = [bench_figures(work / f"{name}.json") for name in OUR_LEARN_STEPS]
    peers = [(read_last_line(work / f"peer_{i}.json") or {}).get("learn_step", {}) for i in (1, 2)]
    rows = {}
    for name, figure in {name: figure for run in ours for name, figure in run.items()}.items():
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
    """Whole loops: the medians of each program's runs, and the ratio of our rate to the fastest peer's."""
    reports = [read_json(work / f"{name}.json") or {} for name in LOOPS]
    rows = {}
    for name, workload in merged(reports, "workloads").items():
        programs = {program: loop_figure(runs) for program, runs in workload["programs"].items() if runs}
        peers = {program: figure["env_steps_per_second"] for program, figure in programs.items()
                 if not part_report.is_ours(program)}
        for program, figure in programs.items():
            if peers and program not in peers:
                figure["fastest_peer"] = max(peers, key=peers.get)
                figure["ratio"] = figure["env_steps_per_second"] / max(peers.values())
        rows[name] = {"agents": workload["agents"], "settings": workload["settings"], "programs": programs}
    return {"workloads": rows, **{key: merged(reports, key) for key in ("missing", "wrong", "loss_difference", "versions")}}


def merged(reports, key):
    return {name: value for report in reports for name, value in report.get(key, {}).items()}


def loop_figure(runs):
    """The medians of the numeric fields, the fastest variant, and each run's rate."""
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


def gpu_of(text):
    """nvidia-smi's line "name, driver, compute capability, memory"; None without a GPU."""
    if not text.strip():
        return None
    name, driver, capability, memory = (field.strip() for field in text.split(",", 3))
    return {"name": name, "driver": driver, "compute_capability": capability, "memory": memory}


def assemble(part, steps, work, facts):
    """The record of a part. `steps`: each with its outcome so far; `work`: the folder of their results; `facts`: about the
    machine and the programs."""
    training = read_last_line(work / "cartpole.json")
    context = (read_json(work / "ops_bench.json") or {}).get("context", {})
    record = {
        "schema": SCHEMA, **facts, "part": part, "steps": steps,
        "host": f"{cpu_name()}, {os.cpu_count()} cores",
        "torch": torch_version(work),
        "measured_copy_bytes_per_second": float(context.get("copy_bytes_per_second", "nan")),
        "measured_fp32_flops_per_second": float(context.get("fp32_flops_per_second", "nan")),
        "training": training and {key: training.get(key) for key in
                                  ("env_id", "seed", "total_timesteps", "solved_at_timestep", "gradient_updates",
                                   "wall_seconds", "env_steps_per_second", "gradient_steps_per_second")},
        "largest_relative_loss_differences": loss_differences(read_last_line(work / "fixed_batch.json"),
                                                              read_last_line(work / "losses.json")),
        "learn_step": learn_steps(work),
        "missing_peers": merged([read_last_line(work / f"{name}.json") or {} for name in ("losses", "peer_1", "peer_2")],
                                "missing"),
        "loops": loops(work),
        "floors": bench_figures(work / "floors_bench.json"),
        "ops": ops(work),
    }
    return without_nan(record)
