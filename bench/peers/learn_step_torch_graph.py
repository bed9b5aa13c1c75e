#!/usr/bin/env python3
"""A gradient step of DQN in PyTorch as one CUDA graph: what bellman's learn step on a GPU is timed against.

It is the fastest that PyTorch does without a compiler: both networks' passes, the target, the loss, the backward pass
and the fused Adam, captured once and replayed with one call, on a batch that stays where it is. bellman's side is
bench/cuda/cuda_learn_step_bench (`recorded`), on the same networks and batch sizes. TF32 is off on both sides.

Three parts, one JSON object:

  fixed_batch_losses   ten gradient steps from the weights and the batch of dqn_torch.py, through the graph; they must
                       be those of bench/peers/fixed_batch.cpp
  learn_step_us        by CUDA events, median of the tries, microseconds a step
  conv2d_us            Nature-DQN's convolutions (cuDNN, which chooses its algorithm by trial), forward and backward,
                       captured likewise; the names are those of bench/cuda/cuda_ops_bench

    learn_step_torch_graph.py [--device cuda|cpu] [--replays 2000] [--parts losses,learn_step,conv2d]
                              [--networks 4-64-64-2,8-256-256-4,nature_dqn]

`--device cpu` runs the same code without graphs, to see that it is right. Needs PyTorch and numpy.
"""

import argparse
import copy
import json
import math
import statistics
import sys
import time

try:
    import numpy as np
    import torch
    from torch import nn
except ImportError as missing:
    sys.exit(f"learn_step_torch_graph.py: {missing}; install numpy and PyTorch")

from dqn_torch import formula, make_network

GAMMA, LEARNING_RATE = 0.99, 1e-3
TRIES = 5


def small_network():
    return nn.Sequential(nn.Linear(8, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 4))


def nature_dqn():
    return nn.Sequential(nn.Conv2d(4, 32, 8, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 2), nn.ReLU(), nn.Conv2d(64, 64, 3),
                         nn.ReLU(), nn.Flatten(), nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, 6))


WORKLOADS = {  # name: network, observation, batch
    "4-64-64-2": (make_network, (4,), 64),
    "8-256-256-4": (small_network, (8,), 128),
    "nature_dqn": (nature_dqn, (4, 84, 84), 32),
}

CONVOLUTIONS = [  # channels, height and width, outputs, kernel, stride: Mnih et al. 2015
    (4, 84, 32, 8, 4),
    (32, 20, 64, 4, 2),
    (64, 9, 64, 3, 1),
]


class Batch:
    def __init__(self, device, state, next_state):
        n = torch.arange(len(state), device=device)
        self.state, self.next_state = state.to(device), next_state.to(device)
        self.action = (n * 5 % 7 % 2).reshape(-1, 1)
        self.reward = (n % 3).float()
        self.terminated = (n % 5 == 0).float()


class Learner:
    """step() does one gradient step on the batch; its loss, before the step, is in `loss` afterwards."""

    def __init__(self, network, batch, device):
        self.online, self.batch = network.to(device), batch
        self.target = copy.deepcopy(self.online).requires_grad_(False)
        fused = {"fused": True, "capturable": True} if device == "cuda" else {}
        self.optimizer = torch.optim.Adam(self.online.parameters(), lr=LEARNING_RATE, **fused)
        self.loss = None
        self.graph = self.capture() if device == "cuda" else None

    def calculate(self):
        b = self.batch
        with torch.no_grad():
            y = b.reward + GAMMA * (1.0 - b.terminated) * self.target(b.next_state).max(1).values
        q = self.online(b.state).gather(1, b.action).squeeze(1)
        self.loss = nn.functional.mse_loss(q, y)
        self.loss.backward()
        self.optimizer.step()

    def capture(self):
        """The graph; weights and optimiser are afterwards as they were before."""
        start = copy.deepcopy(self.online.state_dict())
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):  # allocates what the capture must not
                self.optimizer.zero_grad(set_to_none=True)
                self.calculate()
        torch.cuda.current_stream().wait_stream(stream)

        self.optimizer.zero_grad(set_to_none=True)  # so that the backward pass overwrites: no zeroing in the graph
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.calculate()
        self.online.load_state_dict(start)
        for state in self.optimizer.state.values():
            for tensor in state.values():  # step, exp_avg, exp_avg_sq
                tensor.zero_()
        return graph

    def step(self):
        if self.graph is not None:
            self.graph.replay()
        else:
            self.optimizer.zero_grad(set_to_none=True)
            self.calculate()


def fixed_batch_losses(device, batch_size=64, steps=10):
    """The losses of dqn_torch.fixed_batch_losses(), which starts from the same formula."""
    def numbers(start, *shape):
        return torch.from_numpy(formula(start, math.prod(shape)).astype(np.float32)).reshape(shape)

    network, at = make_network(), 0
    with torch.no_grad():
        for parameter in network.parameters():
            fan_in = parameter.shape[1] if parameter.dim() == 2 else fan_in  # a bias follows its weight
            parameter.copy_(numbers(at, *parameter.shape) / math.sqrt(fan_in))
            at += parameter.numel()
    state, next_state = numbers(at, batch_size, 4), numbers(at + 4 * batch_size, batch_size, 4)
    learner, losses = Learner(network, Batch(device, state, next_state), device), []
    for _ in range(steps):
        learner.step()
        losses.append(float(learner.loss.detach()))
    return losses


def time_us(call, device, times):
    """Microseconds of one call, the median of TRIES runs of `times` calls, and the tries."""
    tries = []
    for _ in range(TRIES):
        for _ in range(max(1, times // 10)):
            call()
        if device == "cuda":
            start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            for _ in range(times):
                call()
            stop.record()
            stop.synchronize()
            tries.append(1e3 * start.elapsed_time(stop) / times)
        else:
            begin = time.perf_counter()
            for _ in range(times):
                call()
            tries.append(1e6 * (time.perf_counter() - begin) / times)
    return {"median": statistics.median(tries), "tries": tries}


def learn_step_us(device, name, replays):
    make, observation, batch_size = WORKLOADS[name]
    state, next_state = torch.rand(batch_size, *observation), torch.rand(batch_size, *observation)
    learner = Learner(make(), Batch(device, state, next_state), device)
    result = time_us(learner.step, device, replays)
    if not math.isfinite(float(learner.loss.detach())):
        sys.exit(f"learn_step_torch_graph.py: {name}: the loss is {float(learner.loss.detach())}")
    return result


def in_graph(call, calls):
    """`calls` calls as one graph."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(calls):
            call()
    return graph.replay


def conv2d_us(device, batch, convolution, replays):
    """Forward and backward pass of one layer; the backward pass of the first has no dx, which no one needs."""
    channels, size, outputs, kernel, stride = convolution
    out_size = (size - kernel) // stride + 1
    x = torch.rand(batch, channels, size, size, device=device) - 0.5
    w = torch.rand(outputs, channels, kernel, kernel, device=device) - 0.5
    b = torch.rand(outputs, device=device) - 0.5
    dy = torch.rand(batch, outputs, out_size, out_size, device=device) - 0.5
    passes = {
        "forward": lambda: nn.functional.conv2d(x, w, b, stride),
        "backward": lambda: torch.ops.aten.convolution_backward(
            dy, x, w, [outputs], [stride, stride], [0, 0], [1, 1], False, [0, 0], 1, [channels != 4, True, True]),
    }
    layer = f"{batch}x({channels},{size},{size})->({batch},{outputs},{out_size},{out_size})"
    calls, results = (16 if device == "cuda" else 1), {}
    for name, call in passes.items():
        result = time_us(in_graph(call, calls) if device == "cuda" else call, device, max(1, replays // 50))
        results[f"conv2d_{name}/{layer}"] = {"median": result["median"] / calls,
                                             "tries": [us / calls for us in result["tries"]]}
    return results


def main():
    parser = argparse.ArgumentParser(description="DQN's gradient step in PyTorch as one CUDA graph.")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--replays", type=int, default=2000, help="learn steps a try")
    parser.add_argument("--parts", default="losses,learn_step,conv2d")
    parser.add_argument("--networks", default=",".join(WORKLOADS))
    parser.add_argument("--batches", default="32,256", help="of the convolutions")
    args = parser.parse_args()
    parts, networks = set(args.parts.split(",")), args.networks.split(",")
    unknown = sorted(parts - {"losses", "learn_step", "conv2d"}) + sorted(set(networks) - set(WORKLOADS))
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    if args.device == "cuda" and not torch.cuda.is_available():
        sys.exit("learn_step_torch_graph.py: PyTorch sees no GPU; --device cpu runs the same code without graphs")

    torch.manual_seed(1)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    result = {
        "program": "learn_step_torch_graph.py",
        "torch_version": torch.__version__,
        "device": torch.cuda.get_device_name() if args.device == "cuda" else "cpu",
        "graphs": args.device == "cuda",
    }
    if "losses" in parts:
        result["fixed_batch_losses"] = fixed_batch_losses(args.device)
    if "learn_step" in parts:
        result["learn_step_us"] = {f"learn_step/{name}/batch:{WORKLOADS[name][2]}/recorded":
                                   learn_step_us(args.device, name, args.replays) for name in networks}
    if "conv2d" in parts:
        result["conv2d_us"] = {}
        for batch in map(int, args.batches.split(",")):
            for convolution in CONVOLUTIONS:
                result["conv2d_us"].update(conv2d_us(args.device, batch, convolution, args.replays))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
