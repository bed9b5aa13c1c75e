#!/usr/bin/env python3
"""DQN's learn step in PyTorch eager on one thread of a CPU: a peer of scripts/bench.sh.

    learn_step_torch.py --losses               ten gradient steps a network, from the weights and the batch of a
                                               formula: those of fixed_batch.cpp must be the same
    learn_step_torch.py [--seconds 0.5]        times, one JSON object: {"us": {name: microseconds a step}}

  sampled_step/NET   from drawing the batch to Adam's last write, on a full replay: bench/sampled_step.h
  learn_step/NET     the gradient step alone, on a batch that stays where it is: bench/learn_step_bench.cpp

The time is the process's CPU time, as Google Benchmark's is. Replay and learner are those of dqn_torch.py. Convolutions
are oneDNN's where PyTorch was built with it, as it is by default. Needs numpy and PyTorch (Debian: python3-torch).
"""

import argparse
import json
import math
import sys
import time

try:
    import numpy as np
    import torch
except ImportError as missing:
    sys.exit(f"learn_step_torch.py: {missing}; install numpy and PyTorch, on Debian or Ubuntu: python3-torch")

from dqn_torch import Learner, Replay, blas, load_parameters, make_network
from formula import FixedBatch
from learn_step_torch_graph import nature_dqn, small_network
from torch import nn

GAMMA, SLOTS = 0.99, 10_000


def medium_network():
    return nn.Sequential(nn.Linear(4, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 2))


NETWORKS = {  # name: network, observation, batch, learning rate
    "4-64-64-2": (make_network, (4,), 64, 1e-3),
    "4-120-84-2": (medium_network, (4,), 128, 1e-3),
    "8-256-256-4": (small_network, (8,), 128, 1e-3),
    "nature_dqn": (nature_dqn, (4, 84, 84), 32, 1e-4),
}


class FixedStep:
    """A gradient step on the formula's batch, from the formula's weights."""

    def __init__(self, name):
        make, observation, batch, learning_rate = NETWORKS[name]
        network = make()
        fixed = FixedBatch([parameter.shape for parameter in network.parameters()], observation, batch)
        load_parameters(network, fixed.parameters)
        self.learner = Learner(network, learning_rate, GAMMA)
        self.batch = (torch.from_numpy(fixed.state), torch.from_numpy(fixed.action).reshape(-1, 1),
                      *map(torch.from_numpy, (fixed.reward, fixed.next_state, fixed.terminated)))

    def step(self):
        return self.learner.learn(*self.batch)


class SampledStep:
    def __init__(self, name):
        make, observation, self.batch_size, learning_rate = NETWORKS[name]
        random = np.random.default_rng(1)
        self.replay = Replay(SLOTS, random, observation[0])
        for i in range(SLOTS):
            self.replay.add(random.uniform(-1, 1, observation), i % 2, random.uniform(-1, 1),
                            random.uniform(-1, 1, observation), i % 200 == 199)
        self.learner = Learner(make(), learning_rate, GAMMA)

    def step(self):
        return self.learner.learn(*self.replay.sample(self.batch_size))


def time_us(step, seconds):
    for _ in range(3):
        step()
    count, used, start = 0, 0.0, time.process_time()
    while used < seconds or count < 3:
        loss = step()
        count += 1
        used = time.process_time() - start
    if not math.isfinite(float(loss.detach())):
        sys.exit(f"learn_step_torch.py: the loss is {float(loss.detach())}")
    return 1e6 * used / count


def main():
    parser = argparse.ArgumentParser(description="DQN's learn step in PyTorch eager on one thread.")
    parser.add_argument("--losses", action="store_true")
    parser.add_argument("--seconds", type=float, default=0.5, help="of CPU time that each figure is measured for")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    result = {"program": "learn_step_torch.py", "torch_version": torch.__version__,
              "blas": blas(), "onednn": torch.backends.mkldnn.is_available()}
    if args.losses:
        result["fixed_batch_losses"] = {}
        for name in NETWORKS:
            if name != "4-120-84-2":
                fixed = FixedStep(name)
                result["fixed_batch_losses"][name] = [float(fixed.step().detach()) for _ in range(10)]
    else:
        dense = [name for name, (_, observation, *_) in NETWORKS.items() if len(observation) == 1]
        result["us"] = {f"sampled_step/{name}": time_us(SampledStep(name).step, args.seconds) for name in dense}
        result["us"].update({f"learn_step/{name}": time_us(FixedStep(name).step, args.seconds) for name in NETWORKS})
    print(json.dumps(result))


if __name__ == "__main__":
    main()
