#!/usr/bin/env python3
"""Models that PyTorch wrote with its safetensors package, and the Q-values PyTorch gives for them, for
tests/apps/. Needs torch, numpy and safetensors.

    python scripts/golden/infer.py

writes tests/data/infer/: mlp.safetensors, conv.safetensors (float32 state_dicts of a torch.nn.Sequential, with
PyTorch's own metadata), half.safetensors (the mlp in float16), and expected.json:
for each model its network as bellman writes it, observations, and Q-values computed in float64 from the float32
weights.
"""
import json
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn

DATA = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data" / "infer"


def expected(model, network, observations):
    """The model is evaluated in float64: its result is right to far more digits than float32 inference."""
    with torch.no_grad():
        q = model.double()(observations.double())
    return {
        "network": network,
        "shape": list(observations.shape[1:]),
        "observations": observations.double().flatten(1).tolist(),
        "q_values": q.tolist(),
    }


def main():
    torch.manual_seed(7)
    DATA.mkdir(parents=True, exist_ok=True)

    mlp = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 2))
    conv = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 2 * 3, 3))
    save_file(mlp.state_dict(), DATA / "mlp.safetensors", metadata={"format": "pt"})
    save_file(conv.state_dict(), DATA / "conv.safetensors", metadata={"format": "pt"})
    save_file({name: t.half() for name, t in mlp.state_dict().items()}, DATA / "half.safetensors")

    result = {
        "mlp": expected(mlp, "dense 16, relu, dense 8, tanh, dense 2", torch.randn(5, 4)),
        "conv": expected(conv, "conv 4 3x3 padding 1, relu, max_pool 2x2, flatten, dense 3", torch.randn(3, 2, 4, 6)),
    }
    (DATA / "expected.json").write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
