#!/usr/bin/env python3
"""Copies the programs that scripts/gpu_build_here.sh built into a folder that runs elsewhere, after checking that they are
portable. Python's
standard library alone, and binutils (objdump, strip)."""

import argparse
import collections
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import bench_modules  # noqa: F401  (finds scripts/bench)
import checkout
from checkout import ROOT

MOST_BYTES = 60 << 20

# Present on every machine with a driver. libstdc++ and libgcc_s are copied: an older one there would be too old.
SYSTEM_LIBRARIES = re.compile(r"^(linux-vdso|ld-linux[^/]*|libc|libm|libdl|librt|libpthread|libresolv)\.so")
# Beyond x86-64: AVX and later (all begin with v, but for two of the first processors'), BMI.
BEYOND_X86_64 = re.compile(r"^(v(?!er[rw]$)\w+|mulx|shlx|shrx|sarx|rorx|andn|bextr|bls(i|r|msk)|bzhi|pdep|pext)$")
# The kernels that are chosen by what the processor says (core/cpu/CMakeLists.txt writes these files): what is these files' own, and
# no function that others could call, such as a copy of one of the standard library's.
CHOSEN_FILES = ("kernels_avx2.cpp", "kernels_avx512.cpp")


class NotPortable(Exception):
    pass


def output_of(command):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout


def chosen_functions(symbols):
    """Addresses of the functions that are local to the chosen kernels' files, from objdump's table of symbols, where a
    file's own symbols follow its name."""
    addresses, file = set(), ""
    for line in symbols:
        words = line.split()
        if len(words) > 3 and words[1:4] == ["l", "df", "*ABS*"]:
            file = words[-1]
        elif len(words) > 3 and words[1:3] == ["l", "F"] and file in CHOSEN_FILES:
            addresses.add(int(words[0], 16))
    return addresses


def instructions_beyond(disassembly, chosen):
    """{function: {mnemonics}} that a plain x86-64 processor lacks, outside of the chosen functions, from objdump's lines."""
    found, function, may = collections.defaultdict(set), "?", False
    for line in disassembly:
        if line.endswith(">:\n"):
            function, may = line[line.index("<") + 1:-3], int(line.split(" ", 1)[0], 16) in chosen
        elif not may and line.startswith(" ") and "\t" in line:
            mnemonic = line.rstrip("\n").rsplit("\t", 1)[-1].split(" ", 1)[0]
            if BEYOND_X86_64.match(mnemonic):
                found[function].add(mnemonic)
    return found


def check_instructions(path):
    chosen = chosen_functions(output_of(["objdump", "--syms", path]).splitlines())
    process = subprocess.Popen(["objdump", "--disassemble", "--no-show-raw-insn", path], stdout=subprocess.PIPE, text=True)
    found = instructions_beyond(process.stdout, chosen)
    if process.wait() != 0:
        raise NotPortable(f"{path.name}: objdump cannot read it")
    if found:
        name, mnemonics = next(iter(found.items()))
        raise NotPortable(f"{path.name}: {len(found)} functions have instructions that not every processor has: {name}: "
                          f"{', '.join(sorted(mnemonics)[:5])}")


def check_paths(path, places):
    content = path.read_bytes()
    for place in places:
        if str(place).encode() + b"/" in content:
            begin = content.index(str(place).encode())
            text = content[begin:begin + 200].split(b"\0")[0].decode(errors="replace")
            raise NotPortable(f"{path.name} names a place on this machine: {text}")


def libraries_of(path):
    """{name: file} of the shared libraries that it loads, except those that every machine has."""
    libraries = {}
    for line in output_of(["ldd", path]).splitlines():
        words = line.split()
        if not words or words[0] == "statically" or SYSTEM_LIBRARIES.match(pathlib.Path(words[0]).name):
            continue
        if "=>" not in words or words[2] == "not":
            raise NotPortable(f"{path.name} needs {words[0]}, which is missing here, too")
        libraries[words[0]] = pathlib.Path(words[2])
    return libraries


def least_glibc(paths):
    versions = {tuple(map(int, version.split("."))) for path in paths
                for version in re.findall(r"GLIBC_([0-9.]+)", output_of(["objdump", "-T", path]))}
    return ".".join(map(str, max(versions)))


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def copy_stripped(source, to, *options):
    to.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["strip", *options, "-o", str(to), str(source)], check=True)


def bundle(args, partial):
    programs = [args.build / "bin" / name for name in args.programs]
    plugins = {"lib/libbellman_cuda.so": args.build / "lib/libbellman_cuda.so",
               "lib/for_sanitizers/libbellman_cuda.so": args.build / "lib/for_sanitizers/libbellman_cuda.so"}
    libraries = {}
    for path in (*programs, *plugins.values()):
        check_instructions(path)
        libraries.update(libraries_of(path))
    for path in programs:
        copy_stripped(path, partial / "bin" / path.name, "--strip-all")
    for to, path in plugins.items():
        copy_stripped(path, partial / to, "--strip-unneeded")
    for name, path in libraries.items():
        shutil.copy(path.resolve(), partial / "lib" / name)
    shutil.copytree(ROOT / "tests/data", partial / "tests/data")
    ours = [partial / "bin" / path.name for path in programs] + [partial / to for to in plugins]
    for path in ours:
        check_paths(path, [ROOT, args.build.resolve()])
    size = size_of(partial)
    if size > MOST_BYTES:
        raise NotPortable(f"it has {size / 2**20:.1f} MiB, {MOST_BYTES >> 20} are the most")
    return {"commit": checkout.commit(), "built": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "architecture": f"sm_{args.architecture}", "nvcc": output_of(["nvcc", "--version"]).strip().splitlines()[-1],
            "least_glibc": least_glibc(ours), "libraries": sorted(libraries), "bytes": size}


def main():
    parser = argparse.ArgumentParser(description="Puts built programs into a folder that runs elsewhere.")
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--architecture", required=True)
    parser.add_argument("programs", nargs="+")
    args = parser.parse_args()
    partial = args.out.with_name(args.out.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        manifest = bundle(args, partial)
    except (NotPortable, OSError, subprocess.CalledProcessError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        print(f"gpu_build_here.sh: {error}", file=sys.stderr)
        sys.exit(2)
    (partial / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    shutil.rmtree(args.out, ignore_errors=True)
    os.replace(partial, args.out)
    print(f"{args.out}: {manifest['bytes'] / 2**20:.1f} MiB, {manifest['architecture']}, for glibc {manifest['least_glibc']} and later")


if __name__ == "__main__":
    main()
