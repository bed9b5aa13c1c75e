"""The record on the terminal."""

import figures
import tabular
from headlines import calls_per_step
from records import median, share_of_roof
from significance import quartiles, spread


def floor(row):
    x = median(row, "x_floor")
    return figures.times(x) if x else ""


def headline_rows(found):
    lines = [("", "bellman", "quartiles", "× floor", "peer", "takes", "ratio (least to most)")]
    for headline in found:
        row = headline["row"]
        if row is None:
            lines.append((headline["title"], "missing", "", "", "", "", ""))
            continue
        low, middle, high = quartiles(row["samples"])
        first = (headline["title"], figures.value(row, middle),
                 figures.value_range(row, low, high), floor(row))
        if not headline["peers"]:
            lines.append((*first, "none here" if headline["compared"] else "", "", ""))
        for name, (peer, (ratio, least, most)) in headline["peers"].items():
            lines.append((*first, name, figures.value(peer, median(peer)),
                          f"{figures.times(ratio)} ({figures.digits(least)} to {figures.digits(most)})"))
            first = ("", "", "", "")
    return tabular.terminal(lines, right=(1, 3, 5))


def roofs(record):
    lines = []
    for row in record["rows"]:
        if row["program"] != "roof_bench":
            continue
        counter, unit = ("GFLOP/s", "GFLOP/s") if row["name"] == "fma_peak" else ("GB/s", "GB/s")
        samples = row["counters"][counter]
        what = "multiply-adds in registers" if row["name"] == "fma_peak" else (
            f"triad over {figures.size(int(row['name'].rsplit(':', 1)[1]))}")
        lines.append((what, f"{figures.digits(quartiles(samples)[1])} {unit}", f"± {figures.percent(spread(samples))}"))
    return tabular.terminal(lines, right=(1, 2)) if lines else []


def others(record, shown):
    """Every other row of ours, with its share of the roof that bounds it."""
    lines = []
    for row in record["rows"]:
        if row["program"] in ("roof_bench", *record["peers"]) or id(row) in shown:
            continue
        share = share_of_roof(row)
        rate = median(row, "items_per_second")
        lines.append((row["name"], figures.value(row, median(row)), f"± {figures.percent(spread(row['samples']))}",
                      f"{figures.percent(share[0])} of the {share[1]}" if share else
                      f"{figures.digits(rate / 1e6)} M/s" if rate else "", row["label"][:60]))
    return tabular.terminal(lines, right=(1, 2)) if lines else []


def op_text(rows, rounds):
    """The table of --op: each way of computing it, with its share of the roof that bounds it."""
    lines = [("", "median", "spread", "", "of the roof")]
    for row in rows:
        share = share_of_roof(row)
        counter = next((name for name in ("GFLOP/s", "GB/s") if median(row, name)), None)
        lines.append((row["name"], figures.value(row, median(row)), f"± {figures.percent(spread(row['samples']))}",
                      f"{figures.digits(median(row, counter))} {counter}" if counter else "",
                      f"{figures.percent(share[0])} of the {share[1]}" if share else ""))
    return "\n".join([*tabular.terminal(lines, right=(1, 2, 3)),
                      f"  Checked against the definition before it was timed; medians of {rounds} rounds on one core."])


def peer_lines(record):
    for name, facts in record["peers"].items():
        version = next(facts[key] for key in ("version", "torch_version", "jax_version") if key in facts)
        worst = max(facts["largest_relative_loss_difference"].values())
        products = f", matrix products by {facts['blas']}" if "blas" in facts else ""
        compiling = f"; compiling takes {facts['compile_seconds']:.1f} s, not counted" if "compile_seconds" in facts else ""
        yield (f"{name} {version}{products}: "
               f"the same losses on the same batches within {worst:.0e}{compiling}.")
        if facts.get("blas") == "reference BLAS":
            yield "  Caution: that BLAS is the slow one; install libopenblas0-pthread for a fair comparison."
    for name, why in record["missing_peers"].items():
        yield f"{name}: {why}."


def text(record, found):
    machine = record["machine"]
    shown = {id(headline["row"]) for headline in found if headline["row"]}
    lines = [f"{machine['cpu']}, core {machine['core']} of {machine['cores']}; {machine['compiler']}; "
             f"commit {record['commit']}; {record['rounds']} rounds", *peer_lines(record)]
    if machine["load_average_at_start"] > 0.5:
        lines.append(f"Caution: the load average at the start was {machine['load_average_at_start']}: others were at work "
                     "on this machine, and the figures are theirs, too.")
    lines += ["", "Headlines: medians", *headline_rows(found)]
    lines.append(f"  Calls in a learn step 4-64-64-2: {calls_per_step(record['rows'])}")
    lines += ["", "Roofs of one core", *roofs(record)]
    rest = others(record, shown)
    if rest:
        lines += ["", "All else", *rest]
    return "\n".join(lines)
