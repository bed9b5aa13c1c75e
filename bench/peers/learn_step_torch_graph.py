#!/usr/bin/env python3
"""A gradient step of DQN in PyTorch on a GPU: the peer of bellman's learn step there.

Three ways, on a batch that stays where it is, with the fused Adam; TF32 is off on both sides:

  eager                as dqn_torch.py, operation by operation
  graph                the whole step captured in one CUDA graph and replayed with one call: the fastest that PyTorch does
                       without a compiler
  compiled_graph_x16   both networks' passes, target, loss and the backward pass through torch.compile, and 16 such steps
                       in one graph: the time of one

bellman's side is bench/cuda/cuda_learn_step_bench, on the same networks and batch sizes. Three parts, one JSON object:

  fixed_batch_losses   {way: ten losses}, gradient steps on the formula's batch from the formula's weights, through the
                       graph; they must be those of bench/peers/fixed_batch.cpp
  learn_step           {work: {way: {"us": median, "tries": [..], "compile_seconds": ..}}}, by CUDA events, of one step.
                       Compiling and capturing come before, and count apart
  conv2d_us            Nature-DQN's convolutions (cuDNN, which chooses its algorithm by trial), forward and backward,
                       captured likewise; the names are those of bench/cuda/cuda_ops_bench

    learn_step_torch_graph.py [--device cuda|cpu] [--steps 2000] [--parts losses,learn_step,conv2d]
                              [--networks 4-64-64-2,8-256-256-4,nature_dqn] [--ways eager,graph,compiled_graph_x16]

`--device cpu` runs the same code without graphs, to see that it is right. Needs PyTorch and numpy; torch.compile needs
PyTorch 2, and without it that way stands under "missing".
"""

import argparse
import contextlib
import copy
import json
import math
import statistics
import sys
import time

try:
    import torch
    from torch import nn
except ImportError as missing:
    sys.exit(f"learn_step_torch_graph.py: {missing}; install numpy and PyTorch")

from attempts import attempts
from dqn_torch import load_parameters, make_network
from formula import FixedBatch

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


WAYS = {  # name: captured in a graph, through torch.compile, steps a call
    "eager": (False, False, 1),
    "graph": (True, False, 1),
    "compiled_graph_x16": (True, True, 16),
}


class Batch:
    def __init__(self, fixed, device):
        def there(values):
            return torch.from_numpy(values).to(device)

        self.state, self.next_state, self.reward = there(fixed.state), there(fixed.next_state), there(fixed.reward)
        self.action, self.terminated = there(fixed.action).reshape(-1, 1), there(fixed.terminated)


class Learner:
    """call() does `steps` gradient steps on the batch; their losses, each before its step, are in `losses` afterwards.
    Weights and batch are the formula's."""

    def __init__(self, workload, device, way):
        make, observation, batch = WORKLOADS[workload]
        captured, compiled, self.steps = WAYS[way]
        begin = time.perf_counter()
        network = make()
        fixed = FixedBatch([parameter.shape for parameter in network.parameters()], observation, batch)
        load_parameters(network, fixed.parameters)
        self.online, self.batch = network.to(device), Batch(fixed, device)
        self.target = copy.deepcopy(self.online).requires_grad_(False)
        fused = {"fused": True, "capturable": True} if device == "cuda" else {}
        self.optimizer = torch.optim.Adam(self.online.parameters(), lr=LEARNING_RATE, **fused)
        self.loss_of = torch.compile(self.calculate_loss, fullgraph=True) if compiled else self.calculate_loss
        self.losses = []
        if captured or compiled:
            self.warm_up(device)
        self.graph = self.capture() if captured and device == "cuda" else None
        self.compile_seconds = time.perf_counter() - begin

    def calculate_loss(self):
        b = self.batch
        with torch.no_grad():
            y = b.reward + GAMMA * (1.0 - b.terminated) * self.target(b.next_state).max(1).values
        return nn.functional.mse_loss(self.online(b.state).gather(1, b.action).squeeze(1), y)

    def run(self):
        self.losses = []
        for _ in range(self.steps):
            self.optimizer.zero_grad(set_to_none=True)  # so that the backward pass overwrites: nothing is zeroed
            loss = self.loss_of()
            loss.backward()
            self.optimizer.step()
            self.losses.append(loss.detach())

    def warm_up(self, device):
        """Compiles, and makes the allocations that a capture must not make; restores weights and optimiser afterwards."""
        start = copy.deepcopy(self.online.state_dict())
        with side_stream(device):
            for _ in range(3):
                self.run()
        self.online.load_state_dict(start)
        for state in self.optimizer.state.values():
            for tensor in state.values():  # step, exp_avg, exp_avg_sq
                tensor.zero_()

    def capture(self):
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.run()
        return graph

    def call(self):
        if self.graph is not None:
            self.graph.replay()
        else:
            self.run()


@contextlib.contextmanager
def side_stream(device):
    """On a GPU a stream of its own, as captures require; the current one continues after it."""
    if device != "cuda":
        yield
        return
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream().wait_stream(stream)


def fixed_batch_losses(device, way, steps=10):
    learner, losses = Learner("4-64-64-2", device, way), []
    while len(losses) < steps:
        learner.call()
        losses += [float(loss) for loss in learner.losses]
    return losses[:steps]


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
    return tries


def learn_step(device, workload, way, steps):
    learner = Learner(workload, device, way)
    tries = [us / learner.steps for us in time_us(learner.call, device, max(1, steps // learner.steps))]
    loss = float(learner.losses[-1])
    if not math.isfinite(loss):
        raise ArithmeticError(f"the loss is {loss}")
    return {"us": statistics.median(tries), "tries": tries, "compile_seconds": learner.compile_seconds}


def in_graph(call, calls):
    """`calls` calls as one graph."""
    with side_stream("cuda"):
        for _ in range(3):
            call()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(calls):
            call()
    return graph.replay


def conv2d_us(device, batch, convolution, times):
    """Forward and backward pass of one layer; the backward pass of the first computes no dx, which is not needed."""
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
        tries = [us / calls for us in time_us(in_graph(call, calls) if device == "cuda" else call, device, times)]
        results[f"conv2d_{name}/{layer}"] = {"us": statistics.median(tries), "tries": tries}
    return results


def arguments():
    parser = argparse.ArgumentParser(description="DQN's gradient step in PyTorch on a GPU: eager, captured, compiled.")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--steps", type=int, default=2000, help="learn steps a try")
    parser.add_argument("--parts", default="losses,learn_step,conv2d")
    parser.add_argument("--networks", default=",".join(WORKLOADS))
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--batches", default="32,256", help="of the convolutions")
    args = parser.parse_args()
    unknown = []
    for name, known in (("parts", ("losses", "learn_step", "conv2d")), ("networks", WORKLOADS), ("ways", WAYS)):
        values = getattr(args, name).split(",")
        setattr(args, name, values)
        unknown += [value for value in values if value not in known]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    if args.device == "cuda" and not torch.cuda.is_available():
        sys.exit("learn_step_torch_graph.py: PyTorch sees no GPU; --device cpu runs the same code without graphs")
    return args


def main():
    args = arguments()
    torch.set_num_threads(1)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    result = {
        "program": "learn_step_torch_graph.py",
        "torch_version": torch.__version__,
        "device": torch.cuda.get_device_name() if args.device == "cuda" else "cpu",
        "graphs": args.device == "cuda",
    }
    missing = result["missing"] = {}
    ways = [way for way in args.ways if hasattr(torch, "compile") or not WAYS[way][1]]
    missing.update({way: f"PyTorch {torch.__version__} has no torch.compile" for way in args.ways if way not in ways})

    def of_each_way(work, measure):
        done, failed = attempts(ways, measure)
        missing.update({work + way: why for way, why in failed.items()})
        return done

    if "losses" in args.parts:
        result["fixed_batch_losses"] = of_each_way("", lambda way: fixed_batch_losses(args.device, way))
    if "learn_step" in args.parts:
        result["learn_step"] = {
            f"learn_step/{name}/batch:{WORKLOADS[name][2]}": of_each_way(
                f"{name}, ", lambda way, name=name: learn_step(args.device, name, way, args.steps)) for name in args.networks}
    if "conv2d" in args.parts:
        result["conv2d_us"] = {}
        for batch in map(int, args.batches.split(",")):
            for convolution in CONVOLUTIONS:
                result["conv2d_us"].update(conv2d_us(args.device, batch, convolution, max(1, args.steps // 50)))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
