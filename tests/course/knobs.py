"""The tables of docs/course/textbook.md, "What the knobs do": each row is a sweep of its own, and is held to what it says.

    python3 tests/course/knobs.py --bellman build/release/bin/bellman [--only TEXT]

All rows: scripts/course.sh --tables. tests/course/course_test.py runs the quickest one."""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "course" / "textbook.md"
COMMAND = re.compile(r"^    bellman (sweep --preset textbook .*)$", re.MULTILINE)
TABLE = re.compile(r"^### ([^\n]+)\n\n((?:\|[^\n]*\n)+)", re.MULTILINE)
ROUNDING = 2e-3  # of numbers that are printed with four digits; whole ones may be off by a half


class Row:
    """A row: what it is about, the options that it adds to the command, and the numbers that it promises."""

    def __init__(self, table, cells, options):
        self.name, self.options = f"{table}: {cells[0]}", options
        self.iqm, self.deviation = float(cells[-3]), float(cells[-1])
        self.low, self.high = (float(number) for number in cells[-2].split(" to "))


def command(text):
    """The words that all sweeps of the page begin with."""
    return COMMAND.search(text)[1].split()


def rows(text):
    """Those of all tables. A row whose first cell has a network in quotes is of that network; the bold one is the program
    as it is; the others have the values of the heading's --grid, in order."""
    found = []
    for heading, body in TABLE.findall(text):
        grid = re.search(r"--grid (\w+)=([\w,]+)", heading)
        values = iter(grid[2].split(",")) if grid else iter(())
        for line in body.splitlines()[2:]:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            network = re.search(r'`(?:--network )?"(.*)"`', cells[0])
            if network:
                options = ["--network", network[1]]
            else:
                options = [f"--grid={grid[1]}={next(values)}"]
            is_bold = cells[0].startswith("**")
            cells[0] = cells[0].replace("**", "")
            found.append(Row(heading.split(":")[0], cells, [] if is_bold else options))
    return found


def measured(bellman, words, options):
    """The summary of the sweep's one setting."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([bellman, *words, *options, "--sweep-dir", f"{folder}/sweep", "--quiet"], check=True,
                       capture_output=True, text=True)
        return json.loads(pathlib.Path(folder, "sweep", "sweep.json").read_text())["variants"][0]["summary"]


def complaints(row, summary):
    """What the row says otherwise. None where every number is the page's. Another processor rounds trainings otherwise, which
    is as good as other seeds: then the intervals must overlap."""
    iqm, low, high, deviation = (summary[key] for key in ("iqm", "iqm_low", "iqm_high", "std"))
    pairs = [(row.iqm, iqm, 0.06), (row.low, low, 0.51), (row.high, high, 0.51), (row.deviation, deviation, 0.51)]
    if all(abs(page - ours) <= max(slack, ROUNDING * abs(page)) for page, ours, slack in pairs):
        return []
    line = f"{row.name}: the page has {row.iqm}, {row.low} to {row.high}, {row.deviation}; " \
           f"this machine {iqm:.1f}, {low:.0f} to {high:.0f}, {deviation:.0f}"
    overlap = max(row.low, low) <= min(row.high, high)
    return [line + (" (the intervals overlap)" if overlap else ": TOO FAR")]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bellman", required=True)
    parser.add_argument("--only", default="", help="rows with this text in their name")
    args = parser.parse_args()
    text = PAGE.read_text()
    far, known = 0, {}
    for row in rows(text):
        if args.only not in row.name:
            continue
        key = tuple(row.options)
        if key not in known:
            known[key] = measured(args.bellman, command(text), row.options)
        lines = complaints(row, known[key])
        far += any(line.endswith("TOO FAR") for line in lines)
        print("\n".join(lines) or f"{row.name}: as the page says", flush=True)
    sys.exit(1 if far else 0)


if __name__ == "__main__":
    main()
