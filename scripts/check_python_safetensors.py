#!/usr/bin/env python3
"""Weights go both ways between bellman and PyTorch, checked with the real packages (torch, safetensors, numpy):

    scripts/check_python_safetensors.py [build/release/bin/bellman]

- a model that `bellman train` writes loads into a torch.nn.Sequential, whose Q-values are those of `bellman infer`;
- a state_dict that PyTorch writes is read by `bellman infer --network`, with PyTorch's Q-values: dense and convolutional;
- our model, loaded and saved again by Python, gives `bellman infer` the same bits;
- a whole checkpoint's tensors, of every type, are read by safetensors' numpy reader, and each has the xxh64 that its
  metadata says (where the package xxhash is there).

Exits with 0 when all holds, 1 when something does not, 3 when a package is missing.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy
    import safetensors
    import safetensors.numpy
    import safetensors.torch
    import torch
    from torch import nn
except ImportError as error:
    print(f"check_python_safetensors.py: SKIPPED, {error}", file=sys.stderr)
    sys.exit(3)

BELLMAN = sys.argv[1] if len(sys.argv) > 1 else "build/release/bin/bellman"


def run(*words):
    result = subprocess.run([BELLMAN, *map(str, words)], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{BELLMAN} {' '.join(map(str, words))}: {result.stderr}")
    return result.stdout


def infer(model, observations, *more):
    return numpy.array(json.loads(run("infer", "--json", "--checkpoint", model, "--obs",
                                      json.dumps(observations.tolist()), *more))["q_values"])


def check_close(what, network, observations, q):
    """Both sum in float32, each in its own order: against float64, with the bound of a sum of n rounded products, by every
    layer (their functions stretch no difference), n the most that any of them adds up."""
    with torch.no_grad():
        exact = network.double()(observations.double())
        size = observations.double().abs()
        terms = 0
        for layer in network:
            if isinstance(layer, (nn.Linear, nn.Conv2d)):
                terms += layer.weight[0].numel() + 1
                magnitude = type(layer).forward
                weight, bias = layer.weight.data.clone(), layer.bias.data.clone()
                layer.weight.data, layer.bias.data = weight.abs(), bias.abs()
                size = magnitude(layer, size)
                layer.weight.data, layer.bias.data = weight, bias
            elif isinstance(layer, nn.Tanh):
                pass  # |tanh x| <= |x|
            else:
                size = layer(size)
    error = numpy.abs(q - exact.numpy())
    bound = (terms * 2.0**-23 * size).numpy()
    if not (error <= bound).all():
        sys.exit(f"{what}: off by {error.max()}, at most {bound.max()} was expected")
    print(f"{what}: {q.size} Q-values, the largest error {error.max():.2g}, allowed {bound.max():.2g}")


def ours_in_python(folder):
    directory = folder / "run"
    run("train", "--quiet", "--env-id", "CartPole-v1", "--total-timesteps", 700, "--learning-starts", 100, "--network",
        "dense 16, relu, dense 8, tanh", "--prioritized", "--run-dir", directory)
    model = directory / "model.safetensors"
    network = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 2))
    network.load_state_dict(safetensors.torch.load_file(model), strict=True)
    observations = torch.randn(50, 4)
    q = infer(model, observations)
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    check_close("bellman's model in torch.nn.Sequential", network, observations, q)

    again = folder / "again.safetensors"
    safetensors.torch.save_file(state, again)
    if not (infer(again, observations, "--network", "dense 16, relu, dense 8, tanh, dense 2") == q).all():
        sys.exit("bellman's model, saved again by Python, has other Q-values")
    print("bellman's model, saved again by Python: the same bits")
    return directory


def theirs_here(folder):
    mlp = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2))
    conv = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(24, 3))
    for name, network, text, observations in (
            ("dense", mlp, "dense 64, relu, dense 64, tanh, dense 2", torch.randn(50, 4)),
            ("convolutional", conv, "conv 4 3x3 padding 1, relu, max_pool 2x2, flatten, dense 3",
             torch.randn(20, 2, 4, 6))):
        path = folder / f"{name}.safetensors"
        safetensors.torch.save_file(network.state_dict(), path, metadata={"format": "pt"})
        shape = ",".join(map(str, observations.shape[1:]))
        q = infer(path, observations, "--network", text, "--input-shape", shape)
        check_close(f"PyTorch's {name} network here", network, observations, q)


def checkpoint_in_python(directory):
    path = sorted(directory.glob("checkpoint-*.safetensors"))[-1]
    tensors = safetensors.numpy.load_file(path)
    with safetensors.safe_open(path, "numpy") as file:
        hashes = json.loads(file.metadata()["hashes"])
    types = sorted({str(tensor.dtype) for tensor in tensors.values()})
    if set(tensors) != set(hashes):
        sys.exit(f"{path}: Python sees other tensors than the metadata names")
    try:
        import xxhash
        wrong = [name for name, tensor in tensors.items() if xxhash.xxh64(tensor.tobytes()).hexdigest() != hashes[name]]
        if wrong:
            sys.exit(f"{path}: in Python the hashes of {wrong} are others")
        checked = "each with the right xxh64"
    except ImportError:
        checked = "hashes not checked: no package xxhash"
    print(f"a checkpoint in Python: {len(tensors)} tensors of the types {', '.join(types)}, {checked}")


def main():
    torch.manual_seed(7)
    print(f"Python's packages: safetensors {safetensors.__version__}, torch {torch.__version__}, numpy {numpy.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        directory = ours_in_python(pathlib.Path(folder))
        theirs_here(pathlib.Path(folder))
        checkpoint_in_python(directory)


if __name__ == "__main__":
    main()
