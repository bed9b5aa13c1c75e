"""clang-tidy over the library and the command. Called by scripts/tidy.sh, whose comment explains the options.

The preset `tidy` compiles ten files as one (CMake's unity build), because most of the time goes into reading headers:
what clang-tidy gets is such a file, a unit. `.clang-tidy` makes it report what it finds in the included sources."""

import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

from unity import sources_in

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "tidy"
FOLDERS = ("core", "cuda", "envs", "rl", "apps")


def all_units(build=BUILD):
    """{unit: its sources, relative to the root}, from CMake's list of compile commands. Without the benches, which compile
    some of them again."""
    units = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        sources = [os.path.relpath(source, ROOT) for source in sources_in(entry["file"])]
        if sources[0].split("/")[0] in FOLDERS and "/bench/" not in entry["file"]:
            units[entry["file"]] = sources
    return units


def includes(source, headers):
    text = (ROOT / source).read_text(encoding="utf-8")
    return any(f'#include "{header}"' in text for header in headers)


def chosen(units, files):
    """The units with one of these sources, or with a source that includes one of these headers."""
    headers = [file for file in files if file.endswith((".h", ".cuh"))]
    return [unit for unit, sources in units.items()
            if any(source in files or includes(source, headers) for source in sources)]


def git(*arguments):
    done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True)
    return done.stdout.split() if done.returncode == 0 else []


def changed_files():
    """What differs from the main branch or, on the main branch itself, from the commit before; None without either."""
    head = git("rev-parse", "HEAD")
    for branch in ("origin/main", "main"):
        base = git("merge-base", branch, "HEAD")
        if base:
            break
    else:
        base = []
    if base == head:
        base = git("rev-parse", "--verify", "-q", "HEAD^")
    return git("diff", "--name-only", "--diff-filter=d", base[0]) if base else None


def check(unit):
    """Empty when clang-tidy finds nothing."""
    done = subprocess.run(["clang-tidy-14", "-p", BUILD, "--quiet", unit], capture_output=True, text=True)
    if done.returncode == 0:
        return ""
    return done.stdout + ("" if "error:" in done.stdout else done.stderr)


def main():
    parser = argparse.ArgumentParser(prog="tidy.sh")
    parser.add_argument("--changed", action="store_true")
    parser.add_argument("files", nargs="*")
    args = parser.parse_args()
    units, files = all_units(), args.files
    if args.changed:
        files = changed_files()
        if files is None:
            print("SKIPPED: the commits to compare with are not here; scripts/tidy.sh checks everything")
            return
    chosen_units = chosen(units, files) if args.changed or files else list(units)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        findings = [finding for finding in pool.map(check, chosen_units) if finding]
    print("\n".join([*findings, f"clang-tidy: {len(findings)} of {len(chosen_units)} units with findings"]))
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
