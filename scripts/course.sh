#!/usr/bin/env bash
# Makes the pictures of docs/course again, each by the command that stands beneath it:
#   scripts/course.sh [--no-install] [NN | --tables]
# NN: only those of this chapter.
# --tables: no pictures; trains the sweeps of docs/course/textbook.md again, about ten minutes of two cores, and compares
# their numbers with its tables. Exit code 1: one is too far off.
source "$(dirname "$0")/setup.sh"

read_arguments "$@"
ensure_packages "$install" "${BUILD_PACKAGES[@]}" python3
build_preset release bellman
bin=$PWD/build/release/bin
if has_flag --tables; then exec python3 tests/course/knobs.py --bellman "$bin/bellman"; fi
cd docs/course
PATH=$bin:$PATH python3 - "${rest[@]}" <<'PYTHON'
import subprocess, sys
sys.path.insert(0, "../../tests/course")
import chapters

for page in chapters.chapter_pages():
    if len(sys.argv) > 1 and not page.name.startswith(sys.argv[1]):
        continue
    for command, file, _ in chapters.pictures(page.read_text()):
        print(command, flush=True)
        subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL)
PYTHON
