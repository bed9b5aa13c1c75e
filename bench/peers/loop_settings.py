"""Settings of the whole loops on a device, under bellman's names, and numbers that follow from them."""

import argparse
import math

from attempts import attempts, stop_without


def parser(description):
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--losses", action="store_true")
    made.add_argument("--runs", type=int, default=3, help="trainings that are timed")
    made.add_argument("--budget", type=float, default=math.inf, help="seconds, after which no other variant is tried")
    made.add_argument("--hidden", default="64,64")
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--exploration-schedule", choices=("exponential", "linear"), default="exponential")
    for name, value in (("total-timesteps", 20_000), ("num-envs", 1), ("batch-size", 64), ("buffer-size", 10_000),
                        ("learning-starts", 64), ("train-frequency", 1), ("target-network-frequency", 100)):
        made.add_argument(f"--{name}", type=int, default=value)
    for name, value in (("learning-rate", 1e-3), ("gamma", 0.99), ("start-e", 1.0), ("end-e", 0.01),
                        ("exploration-decay", 0.9995), ("exploration-fraction", 0.5)):
        made.add_argument(f"--{name}", type=float, default=value)
    return made


def parse(parser):
    """The settings, and of a round: vector_steps of every environment, then learn_steps. first_round: the first that
    learns; then `periods` of the target network, period_rounds each, to which total_timesteps is rounded up."""
    s = parser.parse_args()
    sizes = [4, *map(int, s.hidden.split(",")), 2]
    s.shapes = [shape for i, o in zip(sizes, sizes[1:]) for shape in ((o, i), (o,))]
    s.round_steps = max(s.num_envs, s.train_frequency)  # environment steps
    if s.round_steps % s.num_envs or s.round_steps % s.train_frequency:
        parser.error(f"--num-envs {s.num_envs} and --train-frequency {s.train_frequency}: one must divide the other")
    for name in ("learning_starts", "target_network_frequency", "buffer_size"):
        if getattr(s, name) % (s.num_envs if name == "buffer_size" else s.round_steps):
            parser.error(f"--{name.replace('_', '-')} {getattr(s, name)} is no multiple of {s.round_steps}")
    s.vector_steps, s.learn_steps = s.round_steps // s.num_envs, s.round_steps // s.train_frequency
    s.first_round, s.period_rounds = s.learning_starts // s.round_steps, s.target_network_frequency // s.round_steps
    s.periods = max(1, -(-(s.total_timesteps - s.learning_starts) // s.target_network_frequency))
    s.total_timesteps = s.learning_starts + s.periods * s.target_network_frequency
    s.gradient_updates = s.periods * s.period_rounds * s.learn_steps
    return s


def report(s, program, names, measure, agents=1):
    """The result of the fastest variant by measure(name), beside the times of the others and those that could not be
    measured."""
    variants, missing = attempts(names, measure, s.budget)
    stop_without(variants, missing, program)
    best = min(variants, key=lambda variant: variants[variant]["wall_seconds"])
    seconds = variants[best]["wall_seconds"]
    return {"agents": agents, "num_envs": s.num_envs, "total_timesteps": s.total_timesteps,
            "gradient_updates": s.gradient_updates, "samples_per_env_step": s.batch_size / s.train_frequency,
            "variant": best, "missing": missing, **variants[best],
            "env_steps_per_second": agents * s.total_timesteps / seconds,
            "gradient_steps_per_second": agents * s.gradient_updates / seconds,
            "tried": {variant: {key: m[key] for key in ("wall_seconds", "compile_seconds")}
                      for variant, m in variants.items()}}
