"""Two records of scripts/bench.sh, row by row: faster, slower or same."""

import significance
from headlines import PEERS

ORDER = {"slower": 0, "faster": 1, "same": 2}


def compare(old, new):
    """{"rows": [{program, name, verdict, change, p, interval}], "peers": likewise, of other programs, which do not count; "only_old", "only_new", "warnings"}."""
    by_key = {(row["program"], row["name"]): row for row in old["rows"]}
    ours, peers, only_new = [], [], []
    for row in new["rows"]:
        before = by_key.pop((row["program"], row["name"]), None)
        if before is None or before["unit"] != row["unit"]:
            only_new.append(row["name"])
            continue
        if row["program"] == "roof_bench":  # the machine's, not the code's: see warnings
            continue
        result = significance.verdict(before["samples"], row["samples"], row["unit"] == "us")
        compared = peers if row["program"] in PEERS else ours
        compared.append({"program": row["program"], "name": row["name"], **result})
    for compared in (ours, peers):
        compared.sort(key=lambda row: (ORDER[row["verdict"]], -abs(row["change"])))
    return {"rows": ours, "peers": peers, "only_old": [name for _, name in by_key], "only_new": only_new,
            "warnings": warnings(old, new)}


def roof_change(old, new):
    """The verdict on the multiply-adds' peak; None when a record has none."""
    figures = [next((row for row in record["rows"] if row["name"] == "fma_peak"), None) for record in (old, new)]
    if None in figures:
        return None
    return significance.verdict(figures[0]["samples"], figures[1]["samples"])


MEASURED_FACTS = ("largest_relative_loss_difference", "compile_seconds", "unrolled")


def conditions(record):
    """{condition that should be the same in two compared records: its value in this one}."""
    machine = record["machine"]
    return {"the processor": machine["cpu"], "the compiler": machine["compiler"], "the core": machine["core"],
            "the number of rounds": record["rounds"], "the kind of run": "quick" if record["quick"] else "full"}


def peer_conditions(old, new):
    """Pairs of such conditions, of each peer that both records have: its version, its BLAS."""
    for name in sorted(old["peers"].keys() & new["peers"].keys()):
        yield tuple({f"{name}'s {fact}": value for fact, value in record["peers"][name].items()
                     if fact not in MEASURED_FACTS} for record in (old, new))


def warnings(old, new):
    """Reasons why the two may differ although the code is the same."""
    found = []
    for a, b in ((conditions(old), conditions(new)), *peer_conditions(old, new)):
        found += [f"{what} differs: {a.get(what)} and {b.get(what)}" for what in {**a, **b} if a.get(what) != b.get(what)]
    roof = roof_change(old, new)
    if roof and roof["verdict"] != "same":
        found.append(f"the machine itself is {roof['verdict']}: its multiply-adds take {100 * roof['change']:+.0f} % time")
    fewest = min((len(row["samples"]) for row in (*old["rows"], *new["rows"])), default=0)
    if fewest < significance.FEWEST:
        found.append(f"a row has {fewest} rounds: fewer than {significance.FEWEST} can show no difference")
    return found


def counts(result):
    """The summary of this program's rows."""
    return {word: sum(row["verdict"] == word for row in result["rows"]) for word in ORDER}


def title(row):
    """The row's name, after the program's if it is not ours."""
    return f"{row['program']}: {row['name']}" if row["program"] in PEERS else row["name"]


def changed(rows):
    """A line for each row that is not the same."""
    for row in rows:
        if row["verdict"] != "same":
            low, high = row["interval"]
            yield (f"  {row['verdict']:7} {100 * row['change']:+7.1f} %  [{100 * low:+.1f}, {100 * high:+.1f}]  "
                   f"p {row['p']:.4f}  {title(row)}")


def text(result):
    """For the terminal."""
    lines = list(changed(result["rows"]))
    n = counts(result)
    lines.append(f"  {n['faster']} faster, {n['slower']} slower, {n['same']} same: the median changed by at least "
                 f"{100 * significance.LEAST_CHANGE:.0f} % and Mann-Whitney's p is below {significance.ALPHA}, or it is the same.")
    others = list(changed(result["peers"]))
    if others:
        lines += ["  Other programs, not counted:", *others]
    for record, names in (("old", result["only_old"]), ("new", result["only_new"])):
        if names:
            lines.append(f"  only in the {record} record: {', '.join(names[:5])}{f' and {len(names) - 5} more' if names[5:] else ''}")
    lines += [f"  Caution: {warning}." for warning in result["warnings"]]
    return "\n".join(lines)
