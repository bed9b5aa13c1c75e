#!/usr/bin/env python3
"""The whole DQN loop on CartPole-v1 in JAX, all of it on the device: a peer of bellman's loop on a GPU.

Environment (cartpole_jax.py), epsilon-greedy actions, replay, learn step, Adam and target network are one compiled
program: a lax.scan over rounds, within one over the target network's periods. A round is what lies between two
training phases: environment steps, then gradient steps. Written as someone who wants speed writes it:

  * the carry is donated, and there is no `cond`: the steps before learning starts are a scan of their own, and the
    target is copied where a period ends. A `cond` around the replay would copy it, step after step;
  * a transition is one row of one array, so that storing it is one update and a batch one gather;
  * all random numbers of a round come from one call;
  * the scan is unrolled 1, 4 and 8 steps, and the fastest counts.

    dqn_jax.py --losses                 ten gradient steps on the formula's batch, from the formula's weights
    dqn_jax.py [--agents A] [--unroll 1,4,8] [--total-timesteps N] [settings, named as bellman names them]

`--agents A` trains A agents at once, each with a seed, environments, replay and network of its own: vmap over seeds.
One JSON object; compiling counts apart. Products are in full float32 (no TF32), as on bellman's side. Runs wherever
JAX does: `JAX_PLATFORMS=cpu` keeps it off a GPU. Needs jax and numpy.
"""

import functools
import json
import math
import statistics
import sys
import time
from typing import NamedTuple

try:
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jax import lax
except ImportError as missing:
    sys.exit(f"dqn_jax.py: {missing}; install jax and numpy, for a GPU: pip install \"jax[cuda12]\"")

import cartpole_jax as cartpole
import loop_settings
from formula import FixedBatch

jax.config.update("jax_enable_x64", True)  # for CartPole's state; all else says float32
jax.config.update("jax_default_matmul_precision", "highest")

WIDTH = 4 + 4 + 3  # of a transition: state, next state, action, reward, terminated
BETA1, BETA2, ADAM_EPSILON = 0.9, 0.999, 1e-8


class Agent(NamedTuple):
    """The whole state of a training. C slots, N environments."""

    online: list  # of (w (O,I), b (O)) a layer
    target: list
    mean: list  # Adam's
    square: list
    replay: jax.Array  # (C, WIDTH)
    state: jax.Array  # (N,4) float64
    age: jax.Array  # (N), steps of the running episode
    mean_return: jax.Array  # of the last hundred episodes or so
    key: jax.Array


# ---- the learn step

def q_values(parameters, x):
    for w, b in parameters[:-1]:
        x = jax.nn.relu(x @ w.T + b)
    w, b = parameters[-1]
    return x @ w.T + b


def loss_of(online, target, rows, gamma):
    state, next_state, action = rows[:, 0:4], rows[:, 4:8], rows[:, 8].astype(jnp.int32)
    reward, terminated = rows[:, 9], rows[:, 10]
    # Only `terminated` stops bootstrapping: a time limit is not the end of the world.
    y = reward + gamma * (1 - terminated) * q_values(target, next_state).max(1)
    q = jnp.take_along_axis(q_values(online, state), action[:, None], 1)[:, 0]
    return jnp.mean(jnp.square(q - y))


def learn(agent, rows, number, settings):
    """The `number`-th gradient step, from 1: Kingma & Ba 2015, as PyTorch rounds it."""
    loss, gradient = jax.value_and_grad(loss_of)(agent.online, agent.target, rows, np.float32(settings.gamma))
    correction1 = (1 - BETA1 ** number.astype(jnp.float64)).astype(jnp.float32)
    root2 = jnp.sqrt(1 - BETA2 ** number.astype(jnp.float64)).astype(jnp.float32)
    mean = jax.tree.map(lambda m, g: m + np.float32(1 - BETA1) * (g - m), agent.mean, gradient)
    square = jax.tree.map(lambda v, g: np.float32(BETA2) * v + np.float32(1 - BETA2) * g * g, agent.square, gradient)
    online = jax.tree.map(
        lambda p, m, v: p - np.float32(settings.learning_rate) / correction1 * m
        / (jnp.sqrt(v) / root2 + np.float32(ADAM_EPSILON)), agent.online, mean, square)
    return agent._replace(online=online, mean=mean, square=square), loss


# ---- a round

def epsilon_at(timestep, s):
    t = timestep.astype(jnp.float32)
    if s.exploration_schedule == "exponential":
        return jnp.maximum(np.float32(s.end_e), np.float32(s.start_e) * np.float32(s.exploration_decay) ** t)
    slope = np.float32((s.end_e - s.start_e) / (s.exploration_fraction * s.total_timesteps))
    return jnp.maximum(np.float32(s.end_e), np.float32(s.start_e) + slope * t)


def below(words, n):
    """Uniform on 0 .. n - 1."""
    return ((words.astype(jnp.uint64) * n.astype(jnp.uint64)) >> 32).astype(jnp.int32)


def act_and_store(agent, first, words, s):
    """One step of every environment. first: environment steps before it; words (N, 2 + RESET_WORDS)."""
    observation = agent.state.astype(jnp.float32)
    greedy = q_values(agent.online, observation).argmax(1).astype(jnp.int32)
    explore = words[:, 0].astype(jnp.float32) * np.float32(2.0 ** -32) < epsilon_at(first, s)
    action = jnp.where(explore, (words[:, 1] >> 31).astype(jnp.int32), greedy)
    after, terminated = cartpole.step(agent.state, action)
    age = agent.age + 1
    over = terminated | (age >= cartpole.MAX_STEPS)
    row = jnp.concatenate([observation, after.astype(jnp.float32), action.astype(jnp.float32)[:, None],
                           jnp.ones_like(action, jnp.float32)[:, None], terminated.astype(jnp.float32)[:, None]], 1)
    share = np.float32(0.01) * over.sum().astype(jnp.float32)
    last = jnp.where(over, age, 0).sum().astype(jnp.float32) / jnp.maximum(over.sum(), 1).astype(jnp.float32)
    return agent._replace(
        replay=lax.dynamic_update_slice(agent.replay, row, (first % s.buffer_size, jnp.zeros_like(first))),
        state=jnp.where(over[:, None], cartpole.initial(words[:, 2:]), after), age=jnp.where(over, 0, age),
        mean_return=agent.mean_return + jnp.minimum(share, 1) * (last - agent.mean_return))


def random_words(agent, number, count):
    return jax.random.bits(jax.random.fold_in(agent.key, number), (count,), jnp.uint32)


def play(agent, number, s):
    """The environment steps of round `number`, and its unused random words."""
    words = random_words(agent, number, s.words_to_play + s.learn_steps * s.batch_size)
    to_act = words[:s.words_to_play].reshape(s.vector_steps, s.num_envs, -1)
    first = (number * s.vector_steps + jnp.arange(s.vector_steps)) * s.num_envs
    agent, _ = lax.scan(lambda agent, x: (act_and_store(agent, *x, s), None), agent, (first, to_act),
                        unroll=min(s.unroll, s.vector_steps))
    return agent, words[s.words_to_play:]


def play_and_learn(agent, number, s):
    """Round `number` with its gradient steps."""
    agent, words = play(agent, number, s)
    stored = jnp.minimum((number + 1) * s.round_steps, s.buffer_size)
    slots = below(words, stored).reshape(s.learn_steps, s.batch_size)
    step = (number - s.first_round) * s.learn_steps + 1 + jnp.arange(s.learn_steps)

    def learn_from(agent, x):
        rows = agent.replay.at[x[0]].get(mode="promise_in_bounds")
        return learn(agent, rows, x[1], s)[0], None

    return lax.scan(learn_from, agent, (slots, step), unroll=min(s.unroll, s.learn_steps))[0]


# ---- the whole loop

def of_all(function, s):
    """Makes a function of one agent one of all, along a leading dimension. A single agent has no such dimension."""
    return jax.vmap(function) if s.agents > 1 else function


def scan_rounds(agents, first, count, one_round, s):
    """`one_round` for every agent, `count` times. All share the round's number."""
    unroll = max(1, s.unroll // max(s.vector_steps, s.learn_steps))  # the inner scans are unrolled, too
    return lax.scan(lambda agents, number: (of_all(lambda agent: one_round(agent, number, s), s)(agents), None), agents,
                    first + jnp.arange(count, dtype=jnp.int32), unroll=unroll)[0]


def train(agents, s):
    agents = scan_rounds(agents, jnp.int32(0), s.first_round, lambda *a: play(*a)[0], s)

    def period(agents, first):
        agents = scan_rounds(agents, first, s.period_rounds, play_and_learn, s)
        return agents._replace(target=agents.online), None

    firsts = s.first_round + s.period_rounds * jnp.arange(s.periods, dtype=jnp.int32)
    return lax.scan(period, agents, firsts)[0]


def new_agent(seed, s):
    """Weights as PyTorch's Linear draws them: uniform within one by the root of the fan-in."""
    key, *keys = jax.random.split(jax.random.key(seed), 2 + len(s.shapes))
    bounds = [1 / math.sqrt(weight[1]) for weight in s.shapes[::2] for _ in (0, 1)]
    values = [jax.random.uniform(k, shape, jnp.float32, -bound, bound)
              for k, shape, bound in zip(keys, s.shapes, bounds, strict=False)]
    online = list(zip(values[::2], values[1::2], strict=True))
    zeros = jax.tree.map(jnp.zeros_like, online)
    resets = jax.random.bits(keys[-1], (s.num_envs, cartpole.RESET_WORDS), jnp.uint32)
    return Agent(online, jax.tree.map(jnp.copy, online), zeros, jax.tree.map(jnp.copy, zeros),
                 jnp.zeros((s.buffer_size, WIDTH), jnp.float32), cartpole.initial(resets),
                 jnp.zeros(s.num_envs, jnp.int32), jnp.float32(0), key)


def compiled(s, agents):
    """(the loop, seconds that compiling it took)."""
    start = time.perf_counter()
    program = jax.jit(functools.partial(train, s=s), donate_argnums=0).lower(agents).compile()
    return program, time.perf_counter() - start


def measure(s):
    """Whole trainings, the first of which is not timed."""
    make = jax.jit(of_all(lambda seed: new_agent(seed, s), s))
    seeds = s.seed + jnp.arange(s.agents) if s.agents > 1 else s.seed
    program, compile_seconds = compiled(s, make(seeds))
    times = []
    for i in range(1 + s.runs):
        agents = jax.block_until_ready(make(seeds))
        start = time.perf_counter()
        agents = jax.block_until_ready(program(agents))
        if i > 0:
            times.append(time.perf_counter() - start)
    returns = np.asarray(agents.mean_return)
    if not all(bool(jnp.isfinite(w).all()) for layer in agents.online for w in layer):
        raise ArithmeticError("weights that are not finite")
    return {"wall_seconds": statistics.median(times), "runs": times, "compile_seconds": compile_seconds,
            "mean_return": float(returns.mean())}


# ---- the batch that all programs share

def fixed_batch_losses(s, steps=10):
    fixed = FixedBatch(s.shapes, (4,), 64)
    parameters = [jnp.asarray(p) for p in fixed.parameters]
    agent = new_agent(0, s)
    online = list(zip(parameters[::2], parameters[1::2], strict=True))
    agent = agent._replace(online=online, target=online)
    rows = jnp.asarray(np.concatenate([fixed.state, fixed.next_state, fixed.action.astype(np.float32)[:, None],
                                       fixed.reward[:, None], fixed.terminated[:, None]], 1))
    step, losses = jax.jit(lambda agent, number: learn(agent, rows, number, s)), []
    for number in range(1, steps + 1):
        agent, loss = step(agent, jnp.int32(number))
        losses.append(float(loss))
    return losses


# ---- the result

def settings():
    parser = loop_settings.parser("The whole DQN loop on CartPole-v1 in JAX.")
    parser.add_argument("--agents", type=int, default=1)
    parser.add_argument("--unroll", default="1,4,8")
    s = loop_settings.parse(parser)
    s.words_to_play = s.vector_steps * s.num_envs * (2 + cartpole.RESET_WORDS)
    return s


def report(s):
    def measure_unrolled(steps):
        s.unroll = steps
        return measure(s)

    return loop_settings.report(s, "dqn_jax.py", list(map(int, s.unroll.split(","))), measure_unrolled, s.agents)


def main():
    s = settings()
    result = {"program": "dqn_jax.py", "jax_version": jax.__version__, "device": jax.devices()[0].device_kind}
    result.update({"fixed_batch_losses": {"4-64-64-2": fixed_batch_losses(s)}} if s.losses else report(s))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
