"""`bellman export`: onnxruntime, and a C program that the system's compiler makes, compute what `bellman infer` computes."""

import json
import os
import pathlib
import re
import subprocess

import numpy as np
import onnxruntime
import pytest

COMMAND = os.environ["BELLMAN_COMMAND"]

# Together: every kind of layer and activation, every shape of window, both heads, with and without normalisation.
DENSE = ["--env-id", "CartPole-v1"]
IMAGE = ["--env-id", "FrozenLake-v1", "--map", "8x8", "--observation", "planes"]
NETWORKS = {
    "dense": (DENSE, "dense 12, relu, dense 9, leaky_relu 0.2"),
    "smooth": (DENSE, "dense 12, tanh, dense 9, sigmoid, dense 7, gelu, dense 6, gelu_tanh, dense 5, silu"),
    "layer_norm": (DENSE, "dense 12, layer_norm, relu, dense 9, layer_norm"),
    "dueling": ([*DENSE, "--dueling"], "dense 12, relu"),
    "normalised": ([*DENSE, "--normalize-observation"], "dense 12, relu"),
    "conv": (IMAGE, "conv 4 3x3, relu, conv 3 2x3 stride 2x1 padding 1x0, flatten, dense 8, relu"),
    "max_pool": (IMAGE, "conv 4 3x3 padding 1, leaky_relu, max_pool 2x2, max_pool 3x2 stride 1x2 padding 1, flatten"),
    "dueling_conv": ([*IMAGE, "--dueling", "--normalize-observation"], "conv 4 3x3, silu, flatten, dense 8, relu"),
}
SHORT = ["--total-timesteps", "300", "--learning-starts", "50", "--learning-rate", "0.01", "--eval-frequency", "0",
         "--final-eval-episodes", "1", "--no-report", "--quiet", "--preset", "none"]


def run(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module", params=NETWORKS)
def case(request, tmp_path_factory):
    """A model that was trained a little, observations, and the Q-values that the command gives for them."""
    environment, network = NETWORKS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    run("train", *environment, "--network", network, *SHORT, "--run-dir", str(folder / "run"))
    model = str(folder / "run" / "model.safetensors")
    shape = (4,) if environment[1].startswith("CartPole") else (5, 8, 8)
    observations = np.random.default_rng(1).normal(size=(7, *shape)).astype(np.float32)
    observations[0] *= 100  # normalised values reach their limit
    (folder / "observations.json").write_text(json.dumps(observations.tolist()))
    q = json.loads(run("infer", "--checkpoint", model, "--obs", f"@{folder / 'observations.json'}").stdout)
    return folder, model, observations, np.array(q)


def check(found: np.ndarray, q: np.ndarray) -> None:
    assert found.shape == q.shape
    np.testing.assert_allclose(found, q, rtol=1e-5, atol=1e-5 * np.abs(q).max())


def test_onnxruntime_computes_the_same(case) -> None:
    folder, model, observations, q = case
    run("export", "--checkpoint", model, "--onnx", str(folder / "model.onnx"))
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run(["q_values"], {"observation": observations})
    check(found, q)
    (one,) = session.run(["q_values"], {"observation": observations[3:4]})  # a batch of another size
    check(one, q[3:4])


def test_a_c_program_computes_the_same(case) -> None:
    folder, model, observations, q = case
    source, program = folder / "policy.c", folder / "policy"
    run("export", "--checkpoint", model, "--c", str(source), "--name", "net")
    text = source.read_text()
    assert set(re.findall(r"#include (\S+)", text)) == {"<math.h>", "<stdio.h>"} and "malloc" not in text
    subprocess.run(["cc", "-std=c99", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsanitize=address,undefined",
                    "-Dnet_MAIN", source, "-o", program, "-lm"], check=True)
    numbers = " ".join(f"{x:.9g}" for x in observations.ravel())
    printed = subprocess.run([program], input=numbers, capture_output=True, text=True, check=True).stdout
    check(np.array([[float(x) for x in line.split()] for line in printed.splitlines()]), q)


def test_the_greedy_action_in_c(tmp_path: pathlib.Path) -> None:
    """By a main program of one's own."""
    run("train", *DENSE, "--network", "dense 8, relu", *SHORT, "--run-dir", str(tmp_path / "run"))
    model = str(tmp_path / "run" / "model.safetensors")
    run("export", "--checkpoint", model, "--c", str(tmp_path / "policy.c"))
    (tmp_path / "main.c").write_text(
        '#include <stdio.h>\n#include "policy.c"\nint main(void) {\n  const float left[policy_INPUTS] = {0, 0, -0.2f, -1},'
        ' right[4] = {0, 0, 0.2f, 1};\n  printf("[%d,%d]", policy_action(left), policy_action(right));\n  return 0;\n}\n')
    subprocess.run(["cc", "-std=c99", tmp_path / "main.c", "-o", tmp_path / "main", "-lm"], check=True)
    found = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout
    asked = json.loads(run("infer", "--checkpoint", model, "--obs", "[[0,0,-0.2,-1],[0,0,0.2,1]]", "--json").stdout)
    assert json.loads(found) == asked["actions"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "give either --onnx FILE or --c FILE"),
        (["--onnx", "a", "--c", "b"], "give either --onnx FILE or --c FILE"),
        (["--c", "a.c", "--name", "2nd"], '--name: "2nd" is no identifier of C'),
        (["--c", "a.c", "--name", "a b"], '--name: "a b" is no identifier of C'),
        (["--onnx", "/nowhere/a.onnx"], "/nowhere/a.onnx: cannot be"),
        (["--onnx", "/dev/full"], "/dev/full"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path: pathlib.Path, arguments: list[str], reason: str) -> None:
    run("train", *DENSE, "--network", "dense 8, relu", *SHORT, "--run-dir", str(tmp_path / "run"))
    model = str(tmp_path / "run" / "model.safetensors")
    refused = run("export", "--checkpoint", model, *arguments, code=2).stderr
    assert reason in refused and len(refused.splitlines()) == 1, refused


@pytest.mark.parametrize("option", ["--onnx", "--c"])
def test_the_model_itself_is_never_replaced(tmp_path: pathlib.Path, option: str) -> None:
    run("train", *DENSE, "--network", "dense 8, relu", *SHORT, "--run-dir", str(tmp_path / "run"))
    model = tmp_path / "run" / "model.safetensors"
    (tmp_path / "link").symlink_to(model)
    before = model.read_bytes()
    for path in (model, tmp_path / "run" / ".." / "run" / "model.safetensors", tmp_path / "link"):
        refused = run("export", "--checkpoint", str(model), option, str(path), code=2).stderr
        assert "is the model itself" in refused
    assert model.read_bytes() == before
