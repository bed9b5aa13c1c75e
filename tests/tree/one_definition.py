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
import tempfile

DEFINED = re.compile(r"^([0-9a-f]+) [TVWiu] (\S*7bellman\S*)$", re.MULTILINE)
PLACE = re.compile(r"(\S+:[1-9]\d*)")
IMPLICIT = re.compile(r"[CD][0-5]E")  # constructors and destructors


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def places(build, object_file):
    """{symbol: file:line} of what the object defines. Of constructors and destructors the line alone: the compiler gives those
    that it made itself the file that it is compiling.

    Each function has a section of its own, and all begin at 0. The object is linked by itself, with nothing for what is undefined:
    then addresses differ, and addr2line looks all up at once. (nm --line-numbers finds the same in thirty times the time.)"""
    with tempfile.TemporaryDirectory() as directory:
        linked = f"{directory}/linked"
        run("ld", "--unresolved-symbols=ignore-all", "--defsym=__dso_handle=0", "--entry=0", object_file, "-o", linked, cwd=build)
        symbols = DEFINED.findall(run("nm", "--defined-only", linked))
        found = run("addr2line", f"--exe={linked}", input="".join(f"{address}\n" for address, _ in symbols)).splitlines()
    located = {symbol: place[1] for (_, symbol), line in zip(symbols, found, strict=True) if (place := PLACE.match(line))}
    return {symbol: place.rpartition(":")[2] if IMPLICIT.search(symbol) else place for symbol, place in located.items()}


def objects_of(build, program):
    return [name for name in run("ninja", "-t", "inputs", program, cwd=build).split() if name.endswith(".o")]


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
        print(f"{run('c++filt', symbol).strip()} is defined more than once: " + ", ".join(its))
    print(f"{len(programs)} programs, {len(objects)} objects, {compared} symbols compared, {len(found)} defined more than once")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
