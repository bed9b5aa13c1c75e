#!/usr/bin/env python3
"""The whole DQN loop on CartPole-v1 in PyTorch, all of it on the device: a peer of bellman's loop on a GPU.

Environments, epsilon-greedy actions, replay, learn step and the fused Adam are tensors on the device. Rounds (environment
steps, then gradient steps) are captured in a CUDA graph, as many as make 16 gradient steps or more, and replayed with one
call; nothing comes back to the host before the end. Two ways; the faster one counts:

  graph            PyTorch's own kernels
  compiled_graph   the environments' step, and both networks' passes with the loss, through torch.compile

    dqn_torch_graph.py --losses           ten gradient steps on the formula's batch, from the formula's weights
    dqn_torch_graph.py [--device cuda|cpu] [--ways graph,compiled_graph] [settings, named as bellman names them]

One JSON object; compiling and capturing count apart. No TF32. `--device cpu` runs the same code without graphs, to see
that it is right. Needs PyTorch and numpy; torch.compile needs PyTorch 2.
"""

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
    sys.exit(f"dqn_torch_graph.py: {missing}; install PyTorch and numpy")

import loop_settings
from attempts import attempts, stop_without
from dqn_torch import CartPole, load_parameters
from formula import FixedBatch
from learn_step_torch_graph import side_stream

WAYS = {"graph": False, "compiled_graph": True}  # through torch.compile
WIDTH = 4 + 4 + 3  # of a transition: state, next state, action, reward, terminated
DRAWS = 2 + 4  # random numbers of an environment's step: whether to explore, the action, a new initial state
LEARN_STEPS_A_GRAPH = 16


def make_network(shapes):
    layers = [module for o, i in shapes[::2] for module in (nn.Linear(i, o), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def cartpole_step(state, action):
    """state (N,4) float64, action (N): (state after it, terminated), by the rules and in the order of dqn_torch.py."""
    c = CartPole
    x, x_dot, theta, theta_dot = state.unbind(1)
    force = (2 * action - 1) * c.FORCE
    cos, sin = torch.cos(theta), torch.sin(theta)
    pole_moment = c.MASS_POLE * c.HALF_LENGTH
    temp = (force + pole_moment * theta_dot * theta_dot * sin) / c.TOTAL_MASS
    theta_acc = (c.GRAVITY * sin - cos * temp) / (c.HALF_LENGTH * (4.0 / 3.0 - c.MASS_POLE * cos * cos / c.TOTAL_MASS))
    x_acc = temp - pole_moment * theta_acc * cos / c.TOTAL_MASS
    after = torch.stack([x + c.TAU * x_dot, x_dot + c.TAU * x_acc, theta + c.TAU * theta_dot,
                         theta_dot + c.TAU * theta_acc], 1)
    return after, (after[:, 0].abs() > c.X_LIMIT) | (after[:, 2].abs() > c.THETA_LIMIT)


class Agent:
    """The whole state of a training, as tensors at fixed addresses. C slots, N environments."""

    def __init__(self, s, device, compiled):
        self.s, self.device = s, device
        self.online = make_network(s.shapes).to(device)
        self.target = copy.deepcopy(self.online).requires_grad_(False)
        fused = {"fused": True, "capturable": True} if device == "cuda" else {}
        self.optimizer = torch.optim.Adam(self.online.parameters(), lr=s.learning_rate, **fused)
        self.replay = torch.zeros(s.buffer_size, WIDTH, device=device)
        self.state = torch.zeros(s.num_envs, 4, dtype=torch.float64, device=device)
        self.age = torch.zeros(s.num_envs, dtype=torch.int64, device=device)
        self.timestep = torch.zeros((), dtype=torch.int64, device=device)
        self.mean_return = torch.zeros((), device=device)
        self.loss = None
        compile_it = (lambda f: torch.compile(f, fullgraph=True)) if compiled else (lambda f: f)
        self.act_and_store, self.drawn_loss = compile_it(self.calculate_step), compile_it(self.calculate_drawn_loss)

    def begin(self):
        """Resets everything, with other initial states: a new training in the same memory."""
        start = make_network(self.s.shapes).to(self.device)
        for network in (self.online, self.target):
            network.load_state_dict(start.state_dict())
        for state in self.optimizer.state.values():
            for tensor in state.values():
                tensor.zero_()
        for tensor in (self.replay, self.age, self.timestep, self.mean_return):
            tensor.zero_()
        self.state.uniform_(-0.05, 0.05)

    def epsilon(self):
        s, t = self.s, self.timestep
        if s.exploration_schedule == "exponential":
            return (s.start_e * torch.exp(math.log(s.exploration_decay) * t)).clamp(min=s.end_e)
        return (s.start_e + (s.end_e - s.start_e) / (s.exploration_fraction * s.total_timesteps) * t).clamp(min=s.end_e)

    @torch.no_grad()
    def calculate_step(self, draws):
        """One step of every environment. draws (N, DRAWS), uniform on [0, 1)."""
        observation = self.state.float()
        action = torch.where(draws[:, 0] < self.epsilon(), (draws[:, 1] < 0.5).long(), self.online(observation).argmax(1))
        after, terminated = cartpole_step(self.state, action)
        age = self.age + 1
        over = terminated | (age >= CartPole.MAX_STEPS)
        rows = torch.cat([observation, after.float(), action.float()[:, None], torch.ones_like(after[:, :1]).float(),
                          terminated.float()[:, None]], 1)
        slots = (self.timestep + torch.arange(self.s.num_envs, device=self.device)) % self.s.buffer_size
        self.replay.index_copy_(0, slots, rows)
        last = (age * over).sum() / over.sum().clamp(min=1)
        self.mean_return.add_((0.01 * over.sum()).clamp(max=1) * (last - self.mean_return))
        self.state.copy_(torch.where(over[:, None], -0.05 + 0.1 * draws[:, 2:].double(), after))
        self.age.copy_(age * ~over)
        self.timestep.add_(self.s.num_envs)

    def loss_of(self, rows):
        state, next_state, action = rows[:, 0:4], rows[:, 4:8], rows[:, 8:9].long()
        with torch.no_grad():
            # Only `terminated` stops bootstrapping: a time limit is not the end of the world.
            y = rows[:, 9] + self.s.gamma * (1.0 - rows[:, 10]) * self.target(next_state).max(1).values
        return nn.functional.mse_loss(self.online(state).gather(1, action).squeeze(1), y)

    def calculate_drawn_loss(self, draws):
        """draws (B), uniform on [0, 1)."""
        stored = self.timestep.clamp(max=self.s.buffer_size)
        return self.loss_of(self.replay[(draws.double() * stored).long()])

    def learn_from(self, loss_of, what):
        self.optimizer.zero_grad(set_to_none=True)
        self.loss = loss_of(what)
        self.loss.backward()
        self.optimizer.step()

    def play(self):
        for draws in torch.rand(self.s.vector_steps, self.s.num_envs, DRAWS, device=self.device):
            self.act_and_store(draws)

    def play_and_learn(self):
        self.play()
        for draws in torch.rand(self.s.learn_steps, self.s.batch_size, device=self.device):
            self.learn_from(self.drawn_loss, draws)

    def update_target(self):
        with torch.no_grad():
            for to, value in zip(self.target.parameters(), self.online.parameters(), strict=True):
                to.copy_(value)


# ---- many rounds with one call

def rounds_a_graph(rounds, learn_steps):
    """The least divisor of `rounds` that gives LEARN_STEPS_A_GRAPH learn steps or more."""
    return next((n for n in range(1, rounds + 1) if rounds % n == 0 and n * learn_steps >= LEARN_STEPS_A_GRAPH), rounds)


def repeated(one_round, rounds, learn_steps, device):
    """A function that does `one_round` `rounds` times; on a GPU by graphs."""
    if device != "cuda" or rounds == 0:
        def all_rounds():
            for _ in range(rounds):
                one_round()
        return all_rounds
    each = rounds_a_graph(rounds, learn_steps)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(each):
            one_round()

    def replays():
        for _ in range(rounds // each):
            graph.replay()
    return replays


def measure(s, device, way):
    """Whole trainings, the first of which is not timed."""
    start = time.perf_counter()
    agent = Agent(s, device, WAYS[way])
    with side_stream(device):  # compiles, and allocates what a capture must not
        for _ in range(3):
            agent.play_and_learn()
    agent.optimizer.zero_grad(set_to_none=True)
    play = repeated(agent.play, s.first_round, 1, device)
    period = repeated(agent.play_and_learn, s.period_rounds, s.learn_steps, device)
    compile_seconds = time.perf_counter() - start

    times = []
    for i in range(1 + s.runs):
        agent.begin()
        wait(device)
        start = time.perf_counter()
        play()
        for _ in range(s.periods):
            period()
            agent.update_target()
        wait(device)
        if i > 0:
            times.append(time.perf_counter() - start)
    if not math.isfinite(float(agent.loss.detach())) or int(agent.timestep) != s.total_timesteps:
        raise ArithmeticError(f"the loss is {float(agent.loss.detach())} after {int(agent.timestep)} steps")
    return {"wall_seconds": statistics.median(times), "runs": times, "compile_seconds": compile_seconds,
            "mean_return": float(agent.mean_return)}


def wait(device):
    if device == "cuda":
        torch.cuda.synchronize()


def fixed_batch_losses(s, device, way, steps=10):
    agent, fixed = Agent(s, device, WAYS[way]), FixedBatch(s.shapes, (4,), 64)
    load_parameters(agent.online, fixed.parameters)
    agent.update_target()
    columns = (fixed.state, fixed.next_state, *(column[:, None] for column in (fixed.action, fixed.reward, fixed.terminated)))
    rows = torch.cat([torch.from_numpy(column).float() for column in columns], 1).to(device)
    loss_of, losses = torch.compile(agent.loss_of) if WAYS[way] else agent.loss_of, []
    for _ in range(steps):
        agent.learn_from(loss_of, rows)
        losses.append(float(agent.loss.detach()))
    return losses


def main():
    parser = loop_settings.parser("The whole DQN loop on CartPole-v1 in PyTorch, on the device.")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--ways", default=",".join(way for way in WAYS if not WAYS[way] or hasattr(torch, "compile")))
    s = loop_settings.parse(parser)
    ways = s.ways.split(",")
    if unknown := [way for way in ways if way not in WAYS]:
        parser.error(f"unknown: {', '.join(unknown)}")
    if s.device == "cuda" and not torch.cuda.is_available():
        sys.exit("dqn_torch_graph.py: PyTorch sees no GPU; --device cpu runs the same code without graphs")
    torch.manual_seed(s.seed)
    torch.set_num_threads(1)
    torch.backends.cuda.matmul.allow_tf32 = False
    result = {"program": "dqn_torch_graph.py", "torch_version": torch.__version__, "device": s.device}
    if s.losses:
        losses, result["missing"] = attempts(ways, lambda way: fixed_batch_losses(s, s.device, way))
        stop_without(losses, result["missing"], "dqn_torch_graph.py")
        result["fixed_batch_losses"] = losses
    else:
        result.update(loop_settings.report(s, "dqn_torch_graph.py", ways, lambda way: measure(s, s.device, way)))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
