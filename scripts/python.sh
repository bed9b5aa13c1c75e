#!/usr/bin/env bash
# Builds the Python package beside the release build, runs its tests and checks its types:
#   scripts/python.sh [--no-install] [--build | --wheel]
# --build: builds it, and no more. Its tests are then part of the release suite.
# --wheel: builds the wheel as `pip install .` does, installs it with NumPy alone into a virtual environment of its own, trains
# with it, and runs the tests that compare nothing with the command.
source "$(dirname "$0")/setup.sh"

read_arguments "$@"
known_flags --build --wheel
ensure_packages "$install" "${PYTHON_PACKAGES[@]}"

# venv FOLDER REQUIREMENT...: a virtual environment with these packages.
venv() {
  local folder=$1 log=build/python.log
  shift
  mkdir -p build
  [ -x "$folder/bin/python" ] || python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check "$@" >"$log" 2>&1 \
    || { cat "$log" >&2; stop "pip could not install: $*"; }
}

TEST_REQUIREMENTS=('gymnasium>=1.1' pytest)

if has_flag --wheel; then
  echo "== Python: a wheel"
  rm -rf build/python/fresh build/python/wheel
  venv build/python/fresh numpy
  build/python/fresh/bin/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir build/python/wheel .
  ls -l build/python/wheel
  [ -z "$(find build/python/wheel -size +5000k)" ] || stop "The wheel is larger than 5 MB."
  build/python/fresh/bin/pip install --quiet --disable-pip-version-check build/python/wheel/*.whl
  (cd build/python && fresh/bin/python -c "import bellman; print(bellman.DQN('CartPole-v1').learn(50_000).evaluate())")
  echo "== Python: testing the wheel"
  venv build/python/fresh "${TEST_REQUIREMENTS[@]}"
  env -u BELLMAN_COMMAND build/python/fresh/bin/pytest
  exit
fi

echo "== Python: building"
scripts/python_environment.sh
build_preset release bellman
cmake -S . -B build/release -DBELLMAN_PYTHON=ON -DPython_EXECUTABLE="$PWD/build/python/venv/bin/python" >build/python.log 2>&1 \
  || { cat build/python.log >&2; stop "Configuring the Python package failed."; }
build_preset release bellman_python
has_flag --build && exit
echo "== Python: testing"
ctest --preset release --parallel "$(nproc)" --tests-regex '^python_'
