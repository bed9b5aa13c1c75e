#!/usr/bin/env python3
"""Stable-Baselines3's DQN on CartPole-v1, on one thread: another peer of scripts/bench.sh, as it is installed.

Its loss is Huber's and it clips the gradient's norm to 10; bellman is told the same (`--loss huber --max-grad-norm
10`). Network, replay, batch and frequencies are those of dqn_torch.py; exploration is its own, linear. The environment
is Gymnasium's, which is part of what its users wait for.

    dqn_sb3.py --losses                   ten of its gradient steps on the fixed batch, from the formula's weights
    dqn_sb3.py [--total-timesteps N]      the whole loop, timed from learn()'s start to its end

Needs stable-baselines3, which brings PyTorch and Gymnasium.
"""

import argparse
import json
import sys
import time

try:
    import gymnasium
    import stable_baselines3
    import torch
    from stable_baselines3 import DQN
    from stable_baselines3.common.type_aliases import ReplayBufferSamples
except ImportError as missing:
    sys.exit(f"dqn_sb3.py: {missing}; install stable-baselines3")

from dqn_torch import blas
from learn_step_torch import FixedStep


def make_model(seed, learning_starts=64, fraction=0.1):
    return DQN("MlpPolicy", gymnasium.make("CartPole-v1"), learning_rate=1e-3, buffer_size=10_000, batch_size=64,
               learning_starts=learning_starts, gamma=0.99, tau=1.0, train_freq=1, gradient_steps=1,
               target_update_interval=100, exploration_fraction=fraction, exploration_final_eps=0.01, max_grad_norm=10,
               policy_kwargs={"net_arch": [64, 64]}, device="cpu", seed=seed)


def fixed_batch_losses(steps=10):
    """Through its own train(), one gradient step a call, with a replay that always returns the same batch."""
    fixed, model = FixedStep("4-64-64-2"), make_model(1)
    state, action, reward, next_state, terminated = fixed.batch
    for network in (model.q_net, model.q_net_target):
        with torch.no_grad():
            for to, value in zip(network.parameters(), fixed.learner.online.parameters(), strict=True):
                to.copy_(value)
    batch = ReplayBufferSamples(state, action, next_state, terminated.reshape(-1, 1), reward.reshape(-1, 1))
    model.replay_buffer.sample = lambda *_, **__: batch
    model._setup_learn(1)  # the logger
    losses = []
    for _ in range(steps):
        model.train(gradient_steps=1, batch_size=64)
        losses.append(float(model.logger.name_to_value["train/loss"]))
    return losses


def train(args):
    model = make_model(args.seed)
    start = time.perf_counter()
    model.learn(args.total_timesteps)
    seconds = time.perf_counter() - start
    return {"total_timesteps": model.num_timesteps, "gradient_updates": model._n_updates, "wall_seconds": seconds,
            "env_steps_per_second": model.num_timesteps / seconds}


def main():
    parser = argparse.ArgumentParser(description="Stable-Baselines3's DQN on CartPole-v1, on one thread.")
    parser.add_argument("--losses", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=6000)
    args = parser.parse_args()
    torch.set_num_threads(1)
    result = {"program": "dqn_sb3.py", "version": stable_baselines3.__version__, "torch_version": torch.__version__,
              "blas": blas()}
    result.update({"fixed_batch_losses": {"sb3": fixed_batch_losses()}} if args.losses else train(args))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
