"""One definition rule: no program is linked from two definitions of one function, which the linker takes the first of in silence.

  one_definition.py BUILD_DIRECTORY     of a Ninja build with debug information (the preset asan)

A symbol of this project that is defined in two objects of a program is an inline function or a template; both must stand in the
same file and line.
"""

import collections
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

DEFINED = re.compile(r"^[0-9a-f]+ [TVWiu] (\S+)\t(\S+:\d+)", re.MULTILINE)
IMPLICIT = re.compile(r"[CD][0-5]E")  # constructors and destructors


def places(build, object_file):
    """{symbol: file:line} of what the object defines. Of constructors and destructors the line alone: the compiler gives those
    that it made itself the file that it is compiling."""
    names = subprocess.run(["nm", "--line-numbers", "--defined-only", object_file], cwd=build, capture_output=True, text=True, check=True)
    return {symbol: place.rpartition(":")[2] if IMPLICIT.search(symbol) else place
            for symbol, place in DEFINED.findall(names.stdout) if "7bellman" in symbol}


def objects_of(build, program):
    listed = subprocess.run(["ninja", "-t", "inputs", program], cwd=build, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split() if name.endswith(".o")]


def main(build):
    programs = {f"bin/{path.name}": objects_of(build, f"bin/{path.name}") for path in sorted((build / "bin").iterdir())
                if os.access(path, os.X_OK)}
    objects = sorted({name for its in programs.values() for name in its})
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        defined = dict(zip(objects, pool.map(lambda name: places(build, name), objects)))
    found = set()
    compared = 0
    for program, its in programs.items():
        where = collections.defaultdict(set)
        for name in its:
            for symbol, place in defined[name].items():
                where[symbol].add(place)
        compared += len(where)
        found |= {(symbol, *sorted(its)) for symbol, its in where.items() if len(its) > 1}
    if not compared:
        sys.exit(f"{build}: no symbol has a file and line: is it built with debug information?")
    for symbol, *its in sorted(found):
        name = subprocess.run(["c++filt", symbol], capture_output=True, text=True, check=True).stdout.strip()
        print(f"{name} is defined more than once: " + ", ".join(its))
    print(f"{len(programs)} programs, {len(objects)} objects, {compared} symbols compared, {len(found)} defined more than once")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
