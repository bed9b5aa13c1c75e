"""Two records of scripts/bench.sh, row by row: faster, slower or same."""

import significance

ORDER = {"slower": 0, "faster": 1, "same": 2}


def compare(old, new):
    """{"rows": [{program, name, verdict, change, p, interval}], "only_old", "only_new", "warnings"}."""
    by_key = {(row["program"], row["name"]): row for row in old["rows"]}
    compared, only_new = [], []
    for row in new["rows"]:
        before = by_key.pop((row["program"], row["name"]), None)
        if before is None or before["unit"] != row["unit"]:
            only_new.append(row["name"])
            continue
        if row["program"] == "roof_bench":  # the machine's, not the code's: see warnings
            continue
        result = significance.verdict(before["samples"], row["samples"], row["unit"] == "us")
        compared.append({"program": row["program"], "name": row["name"], **result})
    compared.sort(key=lambda row: (ORDER[row["verdict"]], -abs(row["change"])))
    return {"rows": compared, "only_old": [name for _, name in by_key], "only_new": only_new,
            "warnings": warnings(old, new)}


def roof_change(old, new):
    """Of the multiply-adds' peak; None when a record has none."""
    figures = [next((row for row in record["rows"] if row["name"] == "fma_peak"), None) for record in (old, new)]
    if None in figures:
        return None
    return significance.verdict(figures[0]["samples"], figures[1]["samples"])


def warnings(old, new):
    """Why the two may differ though the code is the same."""
    found = []
    for key, what in (("cpu", "processors"), ("compiler", "compilers")):
        a, b = old["machine"].get(key), new["machine"].get(key)
        if a != b:
            found.append(f"the {what} differ: {a} and {b}")
    roof = roof_change(old, new)
    if roof and roof["verdict"] != "same":
        found.append(f"the machine itself is {roof['verdict']}: its multiply-adds take {100 * roof['change']:+.0f} % time")
    fewest = min((len(row["samples"]) for row in (*old["rows"], *new["rows"])), default=0)
    if fewest < significance.FEWEST:
        found.append(f"a row has {fewest} rounds: fewer than {significance.FEWEST} can show no difference")
    return found


def counts(result):
    return {word: sum(row["verdict"] == word for row in result["rows"]) for word in ORDER}


def text(result):
    """For the terminal."""
    lines = []
    for row in result["rows"]:
        if row["verdict"] == "same":
            continue
        low, high = row["interval"]
        lines.append(f"  {row['verdict']:7} {100 * row['change']:+7.1f} %  [{100 * low:+.1f}, {100 * high:+.1f}]  "
                     f"p {row['p']:.4f}  {row['name']}")
    n = counts(result)
    lines.append(f"  {n['faster']} faster, {n['slower']} slower, {n['same']} same: the median changed by at least "
                 f"{100 * significance.LEAST_CHANGE:.0f} % and Mann-Whitney's p is below {significance.ALPHA}, or it is the same.")
    for record, names in (("old", result["only_old"]), ("new", result["only_new"])):
        if names:
            lines.append(f"  only in the {record} record: {', '.join(names[:5])}{f' and {len(names) - 5} more' if names[5:] else ''}")
    lines += [f"  Caution: {warning}." for warning in result["warnings"]]
    return "\n".join(lines)
