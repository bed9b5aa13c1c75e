#!/usr/bin/env python3
"""The textbook DQN (Mnih et al. 2015) on CartPole-v1, in PyTorch eager on one thread.

This is the program that `bellman train --preset textbook` is timed against. It is written the way a careful
practitioner writes it, with nothing slow left in on purpose:

  * CartPole is plain Python over floats in this file, several times faster than Gymnasium's own step, so that
    the environment costs next to nothing beside the learning;
  * the replay is one preallocated numpy array a field, and a batch is one gather a field;
  * torch.from_numpy wraps the gathered arrays without a further copy;
  * no forward pass for a random action, inference_mode where no gradient is needed, set_to_none for zero_grad.

It prints one JSON object. Before it trains it does ten gradient steps on a fixed batch from weights that a
formula gives, and reports the ten losses (`fixed_batch_losses`): bench/peers/fixed_batch.cpp does the same
with bellman's learner, and scripts/bench.sh compares the two before it times anything.

Needs numpy and PyTorch (Debian: python3-torch). `--fixed-batch-only` stops before the training.
"""

import argparse
import copy
import json
import math
import random
import sys
import time

try:
    import numpy as np
    import torch
    from torch import nn
except ImportError as missing:
    sys.exit(f"dqn_torch.py: {missing}; install numpy and PyTorch, on Debian or Ubuntu: python3-torch")

from formula import FixedBatch


class CartPole:
    """CartPole-v1: Barto, Sutton & Anderson 1983, with Gymnasium's constants, order of updates and limits."""

    GRAVITY, MASS_POLE, HALF_LENGTH, FORCE, TAU = 9.8, 0.1, 0.5, 10.0, 0.02
    TOTAL_MASS = 1.0 + MASS_POLE
    X_LIMIT, THETA_LIMIT, MAX_STEPS = 2.4, 12 * 2 * math.pi / 360, 500

    def __init__(self, rng):
        self.rng = rng

    def reset(self):
        u = self.rng.uniform
        self.state = (u(-0.05, 0.05), u(-0.05, 0.05), u(-0.05, 0.05), u(-0.05, 0.05))
        self.steps = 0
        return self.state

    def step(self, action):
        """Returns (observation, reward, terminated, truncated)."""
        x, x_dot, theta, theta_dot = self.state
        force = self.FORCE if action == 1 else -self.FORCE
        cos, sin = math.cos(theta), math.sin(theta)
        pole_moment = self.MASS_POLE * self.HALF_LENGTH
        temp = (force + pole_moment * theta_dot * theta_dot * sin) / self.TOTAL_MASS
        theta_acc = (self.GRAVITY * sin - cos * temp) / (
            self.HALF_LENGTH * (4.0 / 3.0 - self.MASS_POLE * cos * cos / self.TOTAL_MASS))
        x_acc = temp - pole_moment * theta_acc * cos / self.TOTAL_MASS
        x += self.TAU * x_dot
        x_dot += self.TAU * x_acc
        theta += self.TAU * theta_dot
        theta_dot += self.TAU * theta_acc
        self.state = (x, x_dot, theta, theta_dot)
        self.steps += 1
        terminated = abs(x) > self.X_LIMIT or abs(theta) > self.THETA_LIMIT
        return self.state, 1.0, terminated, self.steps >= self.MAX_STEPS


class Replay:
    """The last `capacity` transitions, sampled uniformly with replacement."""

    def __init__(self, capacity, rng, width=4):
        self.rng, self.capacity, self.size, self.head = rng, capacity, 0, 0
        self.state = np.zeros((capacity, width), np.float32)
        self.next_state = np.zeros((capacity, width), np.float32)
        self.action = np.zeros((capacity, 1), np.int64)
        self.reward = np.zeros(capacity, np.float32)
        self.terminated = np.zeros(capacity, np.float32)

    def add(self, state, action, reward, next_state, terminated):
        i = self.head
        self.state[i], self.next_state[i] = state, next_state
        self.action[i, 0], self.reward[i], self.terminated[i] = action, reward, terminated
        self.head = (i + 1) % self.capacity
        self.size = min(self.size + 1, self.capacity)

    def sample(self, batch_size):
        i = self.rng.integers(0, self.size, batch_size)
        fields = (self.state, self.action, self.reward, self.next_state, self.terminated)
        return tuple(torch.from_numpy(field[i]) for field in fields)


def blas():
    """The library that multiplies matrices in this process: "MKL", "OpenBLAS", "reference BLAS", or the library's name. Debian's
    PyTorch takes what the system offers, which is the slow reference BLAS until libopenblas0-pthread is installed."""
    if torch.backends.mkl.is_available():
        return "MKL"
    try:
        with open("/proc/self/maps", encoding="utf-8") as maps:
            files = sorted({line.split()[-1] for line in maps if "blas" in line})
    except OSError:
        return "unknown"
    if any("openblas" in file for file in files):
        return "OpenBLAS"
    if any(file.endswith("/libblas.so.3") or "/blas/libblas.so.3" in file for file in files):
        return "reference BLAS"
    return files[0].rsplit("/", 1)[-1] if files else "unknown"


def make_network():
    return nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))


class Learner:
    def __init__(self, network, learning_rate, gamma):
        self.online, self.gamma = network, gamma
        self.target = copy.deepcopy(network).requires_grad_(False)
        self.optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)

    def act(self, observation):
        with torch.inference_mode():
            return int(self.online(torch.tensor(observation, dtype=torch.float32)).argmax())

    def learn(self, state, action, reward, next_state, terminated):
        with torch.no_grad():
            # Only `terminated` stops bootstrapping: a time limit is not the end of the world.
            y = reward + self.gamma * (1.0 - terminated) * self.target(next_state).max(1).values
        q = self.online(state).gather(1, action).squeeze(1)
        loss = nn.functional.mse_loss(q, y)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss

    def update_target(self):
        self.target.load_state_dict(self.online.state_dict())


def load_parameters(network, values):
    with torch.no_grad():
        for parameter, value in zip(network.parameters(), values, strict=True):
            parameter.copy_(torch.from_numpy(value))


def fixed_batch_losses(learning_rate, gamma, batch_size, steps=10):
    """The loss before each of `steps` gradient steps on one batch, target network included."""
    network = make_network()
    fixed = FixedBatch([parameter.shape for parameter in network.parameters()], (4,), batch_size)
    load_parameters(network, fixed.parameters)
    learner = Learner(network, learning_rate, gamma)
    state, reward, next_state, terminated = map(torch.from_numpy,
                                                (fixed.state, fixed.reward, fixed.next_state, fixed.terminated))
    action = torch.from_numpy(fixed.action).reshape(-1, 1)
    return [float(learner.learn(state, action, reward, next_state, terminated).detach()) for _ in range(steps)]


def train(args):
    rng, batch_rng = random.Random(args.seed), np.random.default_rng(args.seed)
    env, replay = CartPole(rng), Replay(args.buffer_size, batch_rng)
    learner = Learner(make_network(), args.learning_rate, args.gamma)
    epsilon, gradient_steps, returns = args.start_e, 0, []

    start = time.perf_counter()
    observation, episode_return = env.reset(), 0.0
    for timestep in range(1, args.total_timesteps + 1):
        action = rng.randrange(2) if rng.random() < epsilon else learner.act(observation)
        epsilon = max(args.end_e, epsilon * args.exploration_decay)
        next_observation, reward, terminated, truncated = env.step(action)
        replay.add(observation, action, reward, next_observation, terminated)
        observation, episode_return = next_observation, episode_return + reward
        if terminated or truncated:
            returns.append(episode_return)
            observation, episode_return = env.reset(), 0.0
        if timestep > args.learning_starts:
            learner.learn(*replay.sample(args.batch_size))
            gradient_steps += 1
        if timestep % args.target_network_frequency == 0:
            learner.update_target()
    seconds = time.perf_counter() - start

    return {
        "total_timesteps": args.total_timesteps,
        "gradient_updates": gradient_steps,
        "wall_seconds": seconds,
        "env_steps_per_second": args.total_timesteps / seconds,
        "gradient_steps_per_second": gradient_steps / seconds,
        "mean_return_of_last_20_episodes": sum(returns[-20:]) / max(1, len(returns[-20:])),
    }


def main():
    parser = argparse.ArgumentParser(description="The textbook DQN on CartPole-v1 in PyTorch eager.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=20_000)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--gamma", type=float, default=0.99)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--buffer-size", type=int, default=10_000)
    parser.add_argument("--learning-starts", type=int, default=64)
    parser.add_argument("--target-network-frequency", type=int, default=100)
    parser.add_argument("--start-e", type=float, default=1.0)
    parser.add_argument("--end-e", type=float, default=0.01)
    parser.add_argument("--exploration-decay", type=float, default=0.9995)
    parser.add_argument("--fixed-batch-only", action="store_true")
    args = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    result = {
        "program": "dqn_torch.py",
        "torch_version": torch.__version__,
        "torch_threads": torch.get_num_threads(),
        "blas": blas(),
        "seed": args.seed,
        "fixed_batch_losses": fixed_batch_losses(args.learning_rate, args.gamma, args.batch_size),
    }
    if not args.fixed_batch_only:
        result.update(train(args))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
