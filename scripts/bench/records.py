"""Reads and writes records, and what they are made of.

A record of scripts/bench.sh has rows. A row is one quantity, measured once a round:

    {"program": "ops_bench", "name": "relu_forward/4096", "label": "", "unit": "us", "samples": [1.2, 1.1, ...],
     "counters": {"GB/s": [27.3, ...], ...}}

`unit` is us (less is better) or something a second (more is better). A counter has one value a round, too.
A record of scripts/gpu_verify.sh has what scripts/gpu/part_record.py assembles, in a file of the same form.
"""

import json
import math
import os
import pathlib
import statistics

SCHEMA = 1
TO_MICROSECONDS = {"ns": 1e-3, "us": 1.0, "ms": 1e3, "s": 1e6}
# Google Benchmark's fields beside the time and the counters.
NOT_COUNTERS = {"family_index", "per_family_instance_index", "repetitions", "repetition_index", "threads", "iterations",
                "real_time", "cpu_time"}


def benchmark_name(name):
    """A benchmark's name without how it was timed."""
    return name.replace("/real_time", "").replace("/manual_time", "").split("/iterations:")[0]


def benchmarks(report, errors=None):
    """(entry of Google Benchmark's JSON, its name) of each that was timed and passed its check. `errors` gets {name: message}
    of the others."""
    for entry in report.get("benchmarks", []):
        name = benchmark_name(entry["name"])
        if entry.get("error_occurred"):
            if errors is not None:
                errors[name] = entry.get("error_message", "")
        elif entry.get("run_type", "iteration") == "iteration":
            yield entry, name


def microseconds(entry, clock):
    return entry[clock] * TO_MICROSECONDS[entry["time_unit"]]


class Rows:
    """All rows of a run, in the order in which they first came."""

    def __init__(self):
        self.rows = {}
        self.errors = {}  # (program, name): what was wrong; such a row has no figures

    def add(self, program, name, unit, sample, label="", counters=None):
        row = self.rows.setdefault((program, name), {"program": program, "name": name, "label": label, "unit": unit,
                                                     "samples": [], "counters": {}})
        row["samples"].append(sample)
        for counter, value in (counters or {}).items():
            row["counters"].setdefault(counter, []).append(value)

    def add_google_benchmark(self, program, report):
        """Google Benchmark's JSON. CPU time, unless the benchmark uses wall time."""
        errors = {}
        for b, name in benchmarks(report, errors):
            clock = "real_time" if "real_time" in b["name"] or "manual_time" in b["name"] else "cpu_time"
            counters = {key: value for key, value in b.items()
                        if isinstance(value, (int, float)) and key not in NOT_COUNTERS}
            self.add(program, name, "us", microseconds(b, clock), b.get("label", ""), counters)
        self.errors.update({(program, name): message for name, message in errors.items()})

    def list(self):
        return [row for key, row in self.rows.items() if key not in self.errors]


def median(row, counter=None):
    """The median of the row's figure or of one of its counters; None when it has none."""
    samples = row["samples"] if counter is None else row["counters"].get(counter)
    return statistics.median(samples) if samples else None


def lower_is_better(row):
    return row["unit"] == "us"


def share_of_roof(row):
    """(fraction, which roof) or None: the row's share of the machine's best."""
    for counter, roof in (("of_peak", "multiply-adds"), ("of_triad", "bandwidth")):
        if row["counters"].get(counter):
            return median(row, counter), roof
    if row["counters"].get("x_floor"):
        return 1 / median(row, "x_floor"), "multiply-adds"
    return None


def without_nan(value):
    """JSON has no NaN: null."""
    if isinstance(value, dict):
        return {key: without_nan(v) for key, v in value.items()}
    if isinstance(value, list):
        return [without_nan(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_whole(path, text):
    """The file has the old text or the new one, never a part."""
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def write(path, record):
    write_whole(pathlib.Path(path), json.dumps(without_nan(record), indent=1, ensure_ascii=False) + "\n")


def read(path):
    """A record that write() wrote. Throws ValueError with the fault."""
    try:
        record = json.loads(pathlib.Path(path).read_text())
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(record, dict) or record.get("schema") != SCHEMA or "rows" not in record:
        raise ValueError(f"{path} is not a record of scripts/bench.sh, or of another version of it")
    return record
