#!/usr/bin/env python3
"""What Gymnasium's environments do, for tests/envs/. Needs gymnasium >= 1.0 and numpy.

    python scripts/golden/envs.py

writes tests/data/golden_cartpole.json (trajectories), golden_continuous.json (steps and episodes of the tasks whose
state is a few real numbers), golden_tables.json (transition tables) and golden_values.json
(exact values, from linear solves: nothing of the engine's own method). Floats are written so that reading them gives
the same bits.
"""
import json
import pathlib
import warnings

import gymnasium as gym
import numpy as np

DATA = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data"


warnings.filterwarnings("ignore", category=DeprecationWarning)  # CartPole-v0 is wanted


class Lcg:
    """Knuth's 64-bit linear congruential generator: actions and initial states by formula, not by file."""

    def __init__(self, seed):
        self.x = seed

    def bits(self, n):
        self.x = (self.x * 6364136223846793005 + 1442695040888963407) % 2**64
        return self.x >> (64 - n)

    def uniform(self):
        return self.bits(53) * 2.0**-53


def tensor(rows):
    """As tests/support/golden.h reads it: one row, or rows of equal length."""
    array = np.asarray(rows, dtype=float)
    return {"shape": list(array.shape), "data": array.ravel().tolist()}


def dump(value, indent=""):
    """JSON with a line a tensor's row, so that a changed number is a small difference."""
    if not isinstance(value, dict):
        return json.dumps(value)
    if "data" in value:
        cols = value["shape"][-1]
        numbers = [repr(x).removesuffix(".0") for x in value["data"]]
        rows = [",".join(numbers[i : i + cols]) for i in range(0, len(numbers), cols)]
        return f'{{"shape": {json.dumps(value["shape"])}, "data": [\n' + ",\n".join(rows) + "]}"
    inner = indent + " "
    return "{\n" + ",\n".join(f"{inner}{json.dumps(k)}: {dump(v, inner)}" for k, v in value.items()) + "}"


def write(name, value):
    (DATA / name).write_text(dump(value) + "\n")


# ---- CartPole: trajectories


def start_episode(env, lcg):
    env.reset(seed=0)
    state = np.array([-0.05 + 0.1 * lcg.uniform() for _ in range(4)])
    env.unwrapped.state = state
    return state


def random_play(seed, steps, **options):
    """Episodes of random actions: [length, terminated, truncated, return, final state (4)]."""
    env, lcg = gym.make("CartPole-v1", **options), Lcg(seed)
    episodes, total = [], 0
    while total < steps:
        start_episode(env, lcg)
        length, episode_return, done = 0, 0.0, False
        while not done:
            _, reward, terminated, truncated, _ = env.step(lcg.bits(1))
            length, episode_return, done = length + 1, episode_return + reward, terminated or truncated
        total += length
        episodes.append([length, int(terminated), int(truncated), episode_return, *map(float, env.unwrapped.state)])
    return {"seed": seed, "episodes": tensor(episodes)}


def controlled_play(env_id, seed):
    """A controller that keeps the pole up to the time limit: the state after every 50th step."""
    env, lcg = gym.make(env_id), Lcg(seed)
    start_episode(env, lcg)
    states, truncated = [], False
    while not truncated:
        x, x_dot, theta, theta_dot = env.unwrapped.state
        action = int(0.05 * x + 0.1 * x_dot + theta + 0.25 * theta_dot > 0)
        _, _, terminated, truncated, _ = env.step(action)
        assert not terminated
        if env._elapsed_steps % 50 == 0:
            states.append([env._elapsed_steps, *map(float, env.unwrapped.state)])
    return {"env_id": env_id, "seed": seed, "states": tensor(states)}


def cartpole():
    return {
        "random": random_play(1, 10_000),
        # The mean random episode lasts 22 steps: of these, half fail, half are cut, a few are both.
        "limit_20": random_play(2, 2_000, max_episode_steps=20),
        "sutton_barto": random_play(3, 500, sutton_barto_reward=True),
        "controlled": {"v0": controlled_play("CartPole-v0", 4), "v1": controlled_play("CartPole-v1", 5)},
    }


# ---- tasks whose state is a few real numbers: single steps from anywhere, and episodes

# The bounds of a state, a start, and a policy that reaches the goal (of CartPole: the time limit).
CONTINUOUS = {
    "CartPole-v1": ([(-2.4, 2.4), (-3, 3), (-0.2, 0.2), (-3, 3)], [0.01, -0.02, 0.03, 0.04],
                    lambda s: int(0.05 * s[0] + 0.1 * s[1] + s[2] + 0.25 * s[3] > 0)),
    "MountainCar-v0": ([(-1.2, 0.6), (-0.07, 0.07)], [-0.5, 0.0], lambda s: 2 if s[1] >= 0 else 0),
    "Acrobot-v1": ([(-np.pi, np.pi), (-np.pi, np.pi), (-4 * np.pi, 4 * np.pi), (-9 * np.pi, 9 * np.pi)],
                   [0.05, -0.03, 0.02, -0.01], lambda s: 2 if s[3] >= 0 else 0),
}


def observe(env):
    """What Gymnasium shows of the present state: the float32 numbers, exactly."""
    task = env.unwrapped
    seen = task._get_ob() if hasattr(task, "_get_ob") else np.array(task.state, dtype=np.float32)
    return list(map(float, seen))


def single_steps(env, bounds, lcg, count):
    """Rows [state, action, reward, terminated, next state, observation] from states within the bounds, some numbers
    at a bound, and every other state slow. A state that ends the task is passed over: no step follows it."""
    rows, task = [], env.unwrapped
    while len(rows) < count:
        slow = 0.1 if len(rows) % 2 else 1.0
        state = [least + (most - least) * min(max(1.4 * lcg.uniform() - 0.2, 0), 1) for least, most in bounds]
        half = len(state) // 2
        state[half:] = [slow * v for v in state[half:]]
        action = int(lcg.uniform() * env.action_space.n)
        env.reset(seed=0)
        task.state = np.array(state)
        if ends(task, state):
            continue
        _, reward, terminated, _, _ = env.step(action)
        rows.append([*state, action, float(reward), int(terminated), *map(float, task.state), *observe(env)])
    return rows


def ends(task, state):
    """Whether the state ends the task; CartPole's bounds above are within its limits."""
    if hasattr(task, "_terminal"):
        return task._terminal()
    return hasattr(task, "goal_position") and state[0] >= task.goal_position and state[1] >= task.goal_velocity


def episode(env, start, policy):
    """Its actions as digits; rows [step, terminated, truncated, return, state, observation] after every tenth step and the
    last."""
    env.reset(seed=0)
    task = env.unwrapped
    task.state = np.array(start)
    actions, rows, episode_return, done = "", [], 0.0, False
    while not done:
        action = policy(task.state)
        _, reward, terminated, truncated, _ = env.step(action)
        actions, episode_return, done = actions + str(action), episode_return + reward, terminated or truncated
        if len(actions) % 10 == 0 or done:
            rows.append([len(actions), int(terminated), int(truncated), float(episode_return), *map(float, task.state),
                         *observe(env)])
    return {"start": tensor(start), "actions": actions, "rows": tensor(rows)}


def continuous():
    out = {}
    for number, (env_id, (bounds, start, goal)) in enumerate(CONTINUOUS.items()):
        env, lcg = gym.make(env_id), Lcg(10 + number)
        choices = env.action_space.n
        out[env_id] = {
            "max_episode_steps": env.spec.max_episode_steps,
            "reward_threshold": env.spec.reward_threshold,
            "steps": tensor(single_steps(env, bounds, lcg, 120)),
            "random": episode(env, start, lambda _, n=choices, lcg=lcg: int(lcg.uniform() * n)),
            "goal": episode(env, start, goal),
        }
    return out


# ---- tables


def table(env):
    """Rows [state, action, probability, next, reward, terminated], in Gymnasium's order."""
    P = env.unwrapped.P
    return [
        [s, a, float(p), int(next_state), float(reward), int(terminated)]
        for s in P
        for a in P[s]
        for p, next_state, reward, terminated in P[s][a]
    ]


CASES = {
    "lake_4x4": ("FrozenLake-v1", {}),
    "lake_4x4_success_70": ("FrozenLake-v1", {"success_rate": 0.7}),
    "lake_4x4_dry": ("FrozenLake-v1", {"is_slippery": False}),
    "lake_8x8": ("FrozenLake8x8-v1", {}),
    "lake_8x8_dry": ("FrozenLake8x8-v1", {"is_slippery": False}),
    "cliff": ("CliffWalking-v1", {}),
}


def environments():
    return {name: gym.make(env_id, **options) for name, (env_id, options) in CASES.items()}


def tables():
    out = {}
    for name, env in environments().items():
        spec = env.spec
        out[name] = {
            "id": spec.id,
            "max_episode_steps": spec.max_episode_steps or 0,
            "start": tensor(env.unwrapped.initial_state_distrib),
            "outcomes": tensor(table(env)),
        }
        if spec.reward_threshold is not None:
            out[name]["reward_threshold"] = spec.reward_threshold
    return out


# ---- values


def matrices(env, playable):
    """r(S,A) the expected reward, t(S,A,S) the probability of going on in s', e(S,A,S) of ending in s'."""
    P = env.unwrapped.P
    n, m = len(P), len(P[0])
    r, t, e = np.zeros((n, m)), np.zeros((n, m, n)), np.zeros((n, m, n))
    for s in playable:
        for a in P[s]:
            for p, next_state, reward, terminated in P[s][a]:
                r[s, a] += p * reward
                (e if terminated else t)[s, a, next_state] += p
    return r, t, e


def policy_values(r, t, policy, gamma):
    s = np.arange(len(policy))
    return np.linalg.solve(np.eye(len(policy)) - gamma * t[s, policy], r[s, policy])


def policy_iteration(r, t, gamma):
    """Howard 1960: exact after a few linear solves."""
    policy = np.zeros(len(r), dtype=int)
    while True:
        q = r + gamma * t @ policy_values(r, t, policy, gamma)
        better = q.max(axis=1) > q[np.arange(len(r)), policy] + 1e-13
        if not better.any():
            return q
        policy = np.where(better, q.argmax(axis=1), policy)


def forecast(r, t, e, policy, start, horizon):
    s = np.arange(len(policy))
    here, total, length, ends = np.eye(len(policy))[start], 0.0, 0.0, np.zeros(len(policy))
    for _ in range(horizon):
        total += here @ r[s, policy]
        length += here.sum()
        ends += here @ e[s, policy]
        here = here @ t[s, policy]
    return total, length, ends, here.sum()


def values_of(name, env, gamma, horizon):
    reached = {o[1] for s in env.unwrapped.P.values() for a in s.values() for o in a if o[3]}
    if name == "cliff":
        reached |= set(range(37, 47))  # nobody stays on the cliff
    playable = [s for s in env.unwrapped.P if s not in reached]
    r, t, e = matrices(env, playable)
    start = int(np.argmax(env.unwrapped.initial_state_distrib))
    q = policy_iteration(r, t, gamma)

    best = np.zeros(len(r))
    for _ in range(horizon):
        best = (r + t @ best).max(axis=1)

    # A policy that is good here and odd there, to be evaluated.
    states = np.arange(len(r))
    policy = np.where(states % 5 == 2, (3 * states + 1) % 4, np.round(q, 9).argmax(axis=1))
    v = policy_values(r, t, policy, gamma)
    total, length, ends, going = forecast(r, t, e, policy, start, horizon)
    return {
        "gamma": gamma,
        "horizon": horizon,
        "q": tensor(q),
        "optimal_return": float(best[start]),
        "policy": tensor(policy),
        "policy_v": tensor(v),
        "policy_return": float(total),
        "policy_length": float(length),
        "policy_ending_in": tensor(ends),
        "policy_truncated": float(going),
    }


def undiscounted_lake():
    """The probability to cross the slippery 4x4 lake at all, without a time limit: 14/17."""
    env = gym.make("FrozenLake-v1")
    holes_and_goal = {5, 7, 11, 12, 15}
    r, t, _ = matrices(env, [s for s in range(16) if s not in holes_and_goal])
    v = np.zeros(16)
    for _ in range(100_000):
        v = (r + t @ v).max(axis=1)
    return float(v[0])


def values():
    envs = environments()
    cases = {name: values_of(name, envs[name], 0.99, 200 if "8x8" in name else 100) for name in envs}
    return {"undiscounted_lake": undiscounted_lake(), "cases": cases}


if __name__ == "__main__":
    write("golden_cartpole.json", cartpole())
    write("golden_continuous.json", continuous())
    write("golden_tables.json", tables())
    write("golden_values.json", values())
    for name in ("golden_cartpole.json", "golden_continuous.json", "golden_tables.json", "golden_values.json"):
        print(name, (DATA / name).stat().st_size, "bytes")
