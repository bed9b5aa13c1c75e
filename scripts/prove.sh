#!/usr/bin/env bash
# Kills, stops, shuts out and fails runs, and regenerates the table of docs/reliability.md from what came out:
#   scripts/prove.sh [--no-install] [--runs N] [--short | --table]
# --runs: N killed runs instead of 1 000. --short: 20 of them, and a part of the faults. --table: only the table, from the outputs of the
# last time (build/prove/). A test that fails ends the script; the table then stays as it is.
# The runs' files are in TMPDIR: on /dev/shm a thousand killed runs take minutes, on a disk that syncs half an hour.
source "$(dirname "$0")/setup.sh"

install=yes long="${TMPDIR:+TMPDIR=$TMPDIR }BELLMAN_LONG_TESTS=1 " measure=yes
while [ $# -gt 0 ]; do
  case $1 in
    --no-install) install=no ;;
    --runs)
      long="${long}BELLMAN_KILLED_RUNS=${2:?prove.sh: --runs needs a number} "
      shift
      ;;
    --short) long='' ;;
    --table) measure=no ;;
    *) stop "prove.sh: unknown argument $1; known: --no-install, --runs, --short, --table" ;;
  esac
  shift
done

program=build/release/bin/apps_reliability_tests
outputs=build/prove
cases=('*killed and gone on with*' '*asked to end*' '*50 runs*' '*fails at any call*' '*damaged checkpoint is named*')

if [ "$measure" = yes ]; then
  ensure_packages "$install" "${BUILD_PACKAGES[@]}"
  build_preset release bellman apps_reliability_tests
  rm -rf "$outputs"
  mkdir -p "$outputs"
  for i in "${!cases[@]}"; do
    command="$long$program --test-case='${cases[i]}'"
    echo "== $command"
    echo "$command" >"$outputs/$i.command"
    bash -c "$command" >"$outputs/$i.out" 2>&1 || { cat "$outputs/$i.out" >&2; stop "Failed: $command"; }
  done
fi

# table: a row of each MESSAGE "what: figures" of the tests, the command beside it.
table() {
  local output line
  echo '| what happens to a run | how often, and what came of it | command |'
  echo '|---|---|---|'
  for output in "$outputs"/*.out; do
    sed -n 's/^.*: MESSAGE: //p' "$output" | while IFS= read -r line; do
      echo "| ${line%%: *} | ${line#*: } | \`$(cat "${output%.out}.command")\` |"
    done
  done
}

document=docs/reliability.md
{
  sed '/<!-- table -->/q' "$document"
  table
  sed -n '/<!-- end of table -->/,$p' "$document"
} >"$outputs/reliability.md"
cp "$outputs/reliability.md" "$document"
table
