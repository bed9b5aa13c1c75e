"""A record of scripts/gpu_verify.sh as tables for people."""

import bench_modules  # noqa: F401  (finds scripts/bench)
import tabular
from figures import number

AIMS = {"recorded": 3.0, "fused": 4.0}  # times as fast as the fastest peer's learn step
OURS = "bellman"  # among the programs of a whole loop, "bellman train" and "bellman sweep"


def is_ours(program):
    return program.split()[0] == OURS


def learn_step_table(record):
    aims = ", ".join(f"{aim:g} for `{name}`" for name, aim in AIMS.items())
    ways = sorted({way for row in record["learn_step"].values() for way in row.get("peers", {})})
    return (f"One gradient step. The peers are PyTorch's, the ratio is to the fastest; the aim is {aims}.\n\n" +
            tabular.markdown(["learn step", "µs", "steps/s", "of FP32", *(f"{way} µs" for way in ways), "ratio"],
                  [[name, number(r["us"], 4), number(1e6 / r["us"], 4), number(r.get("of_fp32")),
                    *(number(r.get("peers", {}).get(way, {}).get("us"), 4) for way in ways), number(r.get("ratio"))]
                   for name, r in record["learn_step"].items()]))


def loop_table(loops_record):
    rows = []
    for name, row in loops_record["workloads"].items():
        for program, f in row["programs"].items():
            rows.append([name, program, number(f["env_steps_per_second"]), number(f["gradient_steps_per_second"]),
                         number(f["samples_per_env_step"]), number(f.get("compile_seconds")),
                         number(f.get("ratio")) if is_ours(program) else ""])
    return ("Whole loops on CartPole-v1, all agents together; the ratio is bellman's environment steps to the fastest "
            "peer's.\n\n" +
            tabular.markdown(["work", "program", "environment steps/s", "learn steps/s", "samples trained a step", "compiling, s",
                   "ratio"], rows))


def step_row(step):
    clock = step.get("clock")
    mhz = f"{clock['least_mhz']:.0f} to {clock['most_mhz']:.0f}" if clock else ""
    return [step["step"], step["outcome"], number(step["seconds"]), mhz, step["detail"].replace("|", "/")]


def markdown(record):
    gpu, versions = record["gpu"], record["loops"]["versions"]
    facts = [["commit", record["commit"]],
             ["GPU", ", ".join(gpu.values()) if gpu else "none: what needs one was skipped"],
             ["programs", record["programs"]],
             ["CUDA, PyTorch, JAX", ", ".join((record["cuda"] or "none", record["torch"] or versions.get("PyTorch", "none"),
                                              versions.get("JAX", "none")))],
             ["host", record["host"]]]
    if record["measured_copy_bytes_per_second"]:
        facts += [["copy within the device, read and written", f"{number(record['measured_copy_bytes_per_second'] / 1e9, 4)} GB/s"],
                  ["FP32 multiply-adds in registers", f"{number(record['measured_fp32_flops_per_second'] / 1e12, 4)} TFLOP/s"]]
    facts.append(["all of it", f"{record['seconds']:.0f} s"])
    text = [f"# {gpu['name'] if gpu else 'No GPU'}, {record['date']}: {record['part']}\n",
            "Written by `scripts/gpu_verify.sh`.\n", tabular.markdown(["", ""], facts),
            tabular.markdown(["step", "outcome", "seconds", "clock, MHz", ""], [step_row(step) for step in record["steps"]])]
    if record["learn_step"]:
        text.append(learn_step_table(record))
    if record["loops"]["workloads"]:
        text.append(loop_table(record["loops"]))
    text += [f"Not timed: {name}: {why}\n" for name, why in (record["missing_peers"] | record["loops"]["missing"] |
                                                            record["loops"]["wrong"]).items()]
    if record["floors"]:
        text.append("Floors of the card (bench/cuda/cuda_floors_bench.cu): one of each, one after the other.\n")
        text.append(tabular.markdown(["floor", "ns"], [[name, number(1e3 * f["us"], 4)] for name, f in record["floors"].items()]))
    if record["ops"]:
        text.append("Ops. The library is cuBLAS for dense layers, cuDNN for convolutions; the ratio is its time by ours.\n")
        text.append(tabular.markdown(["op", "µs", "GB/s", "of copy", "GFLOP/s", "of FP32", "library µs", "ratio"],
                          [[name, number(r["us"], 4), number(r.get("GB/s"), 4), number(r.get("of_copy")),
                            number(r.get("GFLOP/s"), 4), number(r.get("of_fp32")),
                            number(r.get("cublas_us", r.get("cudnn_us")), 4), number(r.get("ratio"))]
                           for name, r in record["ops"].items()]))
    return "\n".join(text)
