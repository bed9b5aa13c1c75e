#!/usr/bin/env python3
"""Learn steps of DQN in PyTorch, in float64: writes tests/data/golden_dqn.json.

Weights and batches come from a formula whose values are multiples of 1/128, exact in float32, so that the test
builds the same ones without a file. The two networks start apart. Five steps a case; after the third, target <- tau online + (1 - tau) target.

    python3 scripts/golden/dqn.py tests/data/golden_dqn.json
"""
import collections
import json
import sys

import torch
from torch import nn

torch.set_default_dtype(torch.float64)
INPUTS, HIDDEN, ACTIONS, BATCH, STEPS = 4, 6, 3, 8, 5


def number(i, k, denominator):
    """The i-th number of sequence k: a multiple of 1/denominator in [-50, 50]/denominator."""
    return ((i * 37 + k * 61 + 11) % 101 - 50) / denominator


class Dueling(nn.Module):
    """Wang et al. 2016, eq. 9, with a linear layer a stream."""

    def __init__(self, inputs, actions):
        super().__init__()
        self.value = nn.Linear(inputs, 1)
        self.advantage = nn.Linear(inputs, actions)

    def forward(self, x):
        advantage = self.advantage(x)
        return self.value(x) + advantage - advantage.mean(dim=1, keepdim=True)


def make_network(dueling, sequence):
    head = Dueling(HIDDEN, ACTIONS) if dueling else nn.Linear(HIDDEN, ACTIONS)
    network = nn.Sequential(nn.Linear(INPUTS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.Tanh(), head)
    with torch.no_grad():
        for k, parameter in enumerate(network.parameters()):
            flat = [number(i, sequence + k, 128) for i in range(parameter.numel())]
            parameter.copy_(torch.tensor(flat).reshape(parameter.shape))
    return network


def make_batch(step):
    observations = [[number(n * INPUTS + i, 100 + step, 32) for i in range(INPUTS)] for n in range(2 * BATCH)]
    return {
        "s": torch.tensor(observations[:BATCH]),
        "s_next": torch.tensor(observations[BATCH:]),
        "action": torch.tensor([(7 * n + step) % ACTIONS for n in range(BATCH)]),
        "reward": torch.tensor([number(n, 200 + step, 16) for n in range(BATCH)]),
        "discount": torch.tensor([1 - (1 + (n + step) % 3) / 64 for n in range(BATCH)]),
        "terminated": torch.tensor([float((n + step) % 5 == 2) for n in range(BATCH)]),
        "weight": torch.tensor([(1 + (3 * n + step) % 8) / 8 for n in range(BATCH)]),
    }


def learn(online, target, optimizer, batch, case):
    with torch.no_grad():
        q_next = target(batch["s_next"])
        if case["double"]:
            best = online(batch["s_next"]).argmax(dim=1, keepdim=True)
            value = q_next.gather(1, best).squeeze(1)
        else:
            value = q_next.max(dim=1).values
        y = batch["reward"] + batch["discount"] * (1 - batch["terminated"]) * value
    chosen = online(batch["s"]).gather(1, batch["action"].unsqueeze(1)).squeeze(1)
    weight = batch["weight"] if case["weighted"] else torch.ones(BATCH)
    if case["huber"] > 0:
        losses = nn.functional.huber_loss(chosen, y, reduction="none", delta=case["huber"])
    else:
        losses = nn.functional.mse_loss(chosen, y, reduction="none")
    loss = (weight * losses).mean()
    optimizer.zero_grad()
    loss.backward()
    norm = 0.0
    if case["max_grad_norm"] > 0:
        norm = float(nn.utils.clip_grad_norm_(online.parameters(), case["max_grad_norm"]))
    optimizer.step()
    return float(loss), norm, float(chosen.mean()), (y - chosen).detach().tolist()


def run(case):
    online = make_network(case["dueling"], 0)
    target = make_network(case["dueling"], 40) if case["target_network"] else online
    optimizer = torch.optim.Adam(online.parameters(), lr=0.01, eps=1e-6)
    stats = collections.defaultdict(list)
    for step in range(STEPS):
        loss, norm, mean_q, td_error = learn(online, target, optimizer, make_batch(step), case)
        stats["loss"].append(loss)
        stats["gradient_norm"].append(norm)
        stats["mean_q"].append(mean_q)
        stats["td_error"] += td_error
        if step == 2 and case["target_network"]:
            with torch.no_grad():
                for old, new in zip(target.parameters(), online.parameters()):
                    old.copy_(case["tau"] * new + (1 - case["tau"]) * old)
    tensors = {"shape": [STEPS]}
    result = {name: {**tensors, "data": values} for name, values in stats.items()}
    result["td_error"]["shape"] = [STEPS, BATCH]
    result["online"] = parameters(online)
    result["target"] = parameters(target)
    result.update({name: value if isinstance(value, float) else int(value) for name, value in case.items()})
    return result


def parameters(network):
    """In the order of the tensors, one after the other."""
    flat = torch.cat([p.detach().reshape(-1) for p in network.parameters()])
    return {"shape": [flat.numel()], "data": flat.tolist()}


PLAIN = dict(double=False, dueling=False, weighted=False, huber=0.0, max_grad_norm=0.0, target_network=True, tau=1.0)
CASES = {
    "single": PLAIN,
    "double": {**PLAIN, "double": True},
    "dueling_double": {**PLAIN, "double": True, "dueling": True},
    "weighted": {**PLAIN, "weighted": True},
    "huber": {**PLAIN, "huber": 0.75},
    "clipped": {**PLAIN, "max_grad_norm": 0.5},
    "soft_target": {**PLAIN, "tau": 0.25},
    "no_target_network": {**PLAIN, "target_network": False},
    "everything": dict(double=True, dueling=True, weighted=True, huber=0.75, max_grad_norm=0.5, target_network=True,
                       tau=0.25),
}

if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump({name: run(case) for name, case in CASES.items()}, out, separators=(",", ":"))
        out.write("\n")
