#!/usr/bin/env python3
"""Golden values of the optimisers: where 1 000 steps of torch.optim lead, in float64.

    scripts/golden/optimizers.py > tests/data/golden_optimizers.json

The gradient at step t (from 1) of parameter i is a formula that the test computes too:
    g_i(t) = sin(0.1 i + 0.37 t) (1 + i / 4) + p_i / 8
It depends on p, so an error in one step grows into the later ones; the sine keeps momentum and moments moving.
"""

import json
import math
import sys

import torch

torch.set_default_dtype(torch.float64)
PARAMETERS = 6
CHECKPOINTS = (1, 2, 10, 100, 1000)


def gradient(p, t):
    return torch.tensor([math.sin(0.1 * i + 0.37 * t) * (1 + i / 4) + p[i].item() / 8 for i in range(PARAMETERS)])


def run(optimizer_class, **options):
    p = torch.tensor([(i - 2) / 2 for i in range(PARAMETERS)], requires_grad=True)
    start = p.detach().clone()
    optimizer = optimizer_class([p], **options)
    after = {}
    for t in range(1, CHECKPOINTS[-1] + 1):
        p.grad = gradient(p.detach(), t)
        optimizer.step()
        if t in CHECKPOINTS:
            after[str(t)] = {"shape": [PARAMETERS], "data": p.tolist()}
    shown = {key: list(value) if isinstance(value, tuple) else value for key, value in options.items()}
    if "betas" in shown:
        shown["beta1"], shown["beta2"] = shown.pop("betas")
    return {"options": shown, "start": {"shape": [PARAMETERS], "data": start.tolist()}, "after": after}


Adam, AdamW, RMSprop, SGD = torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop, torch.optim.SGD
golden = {
    "made_by": f"scripts/golden/optimizers.py, PyTorch {torch.__version__}",
    "adam": {
        "default": run(Adam, lr=1e-2),
        "other_betas": run(Adam, lr=1e-2, betas=(0.5, 0.9), eps=1e-3),
        "weight_decay": run(Adam, lr=1e-2, weight_decay=0.1),
    },
    "adamw": {
        "default_decay": run(AdamW, lr=1e-2, weight_decay=0.01),
        "weight_decay": run(AdamW, lr=1e-2, weight_decay=0.1),
    },
    "rmsprop": {
        "default": run(RMSprop, lr=1e-2),
        "centered": run(RMSprop, lr=1e-2, alpha=0.95, eps=1e-2, centered=True),
        "momentum": run(RMSprop, lr=1e-3, momentum=0.9),
        "centered_momentum_weight_decay": run(RMSprop, lr=1e-3, momentum=0.5, centered=True, eps=1e-3, weight_decay=0.1),
    },
    "sgd": {
        "plain": run(SGD, lr=1e-2),
        "weight_decay": run(SGD, lr=1e-2, weight_decay=0.1),
        "momentum": run(SGD, lr=1e-2, momentum=0.9),
        "dampening": run(SGD, lr=1e-2, momentum=0.9, dampening=0.3, weight_decay=0.1),
        "nesterov": run(SGD, lr=1e-2, momentum=0.9, nesterov=True),
    },
}
json.dump(golden, sys.stdout, separators=(",", ":"))
print()
