"""The built-in environments as Gymnasium's: its own checkers, its own environments, and one mode against another."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import bellman

IDS = [env_id for env_id, _summary in bellman.env_entries()]


@pytest.mark.parametrize("env_id", IDS)
def test_gymnasium_finds_no_fault(env_id: str) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*infinity.*")  # of observations without bounds
        warnings.filterwarnings("ignore", message=".*different number of available.*")
        check_env(bellman.make(env_id))


@pytest.mark.parametrize("observation", ["one_hot", "coordinates", "planes"])
def test_every_observation_of_a_gridworld_is_checked(observation: str) -> None:
    check_env(bellman.make("FrozenLake-v1", map="8x8", slippery=False, observation=observation))


@pytest.mark.parametrize("env_id", ["CartPole-v1", "MountainCar-v0", "Acrobot-v1"])
def test_it_steps_as_gymnasium_does(env_id: str) -> None:
    ours: Any = bellman.make(env_id)
    theirs = gymnasium.make(env_id).unwrapped
    steps = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        theirs.reset(seed=seed)
        start: Any = theirs.get_wrapper_attr("state")
        ours.reset(seed=seed, options={"state": list(start)})
        for _ in range(100):
            action = rng.integers(ours.action_space.n)
            observation, reward, terminated, _truncated, _info = ours.step(action)
            expected = theirs.step(action)
            np.testing.assert_allclose(observation, expected[0], rtol=1e-6, atol=1e-6)
            assert (reward, terminated) == (expected[1], expected[2])
            steps += 1
            if terminated:
                break
    assert steps > 100


def play(envs: Any, seed: int, steps: int) -> list[tuple[Any, ...]]:
    rng = np.random.default_rng(seed)
    rows: list[tuple[Any, ...]] = [(envs.reset(seed=seed)[0],)]
    for _ in range(steps):
        rows.append(envs.step(rng.integers(0, 2, envs.num_envs)))
    return rows


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@pytest.mark.parametrize("env_id, options", [("CartPole-v1", {"max_episode_steps": 15}), ("FrozenLake-v1", {})])
def test_a_vector_of_one_is_gymnasiums(mode: AutoresetMode, env_id: str, options: dict[str, Any]) -> None:
    ours = bellman.make_vec(env_id, 1, autoreset_mode=mode, **options)
    theirs = SyncVectorEnv([lambda: bellman.make(env_id, **options)], autoreset_mode=mode)
    assert ours.metadata["autoreset_mode"] == theirs.metadata["autoreset_mode"] == mode
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    for mine, other in zip(play(ours, 5, 200), play(theirs, 5, 200), strict=True):
        for a, b in zip(mine[:4], other[:4], strict=True):
            np.testing.assert_array_equal(a, b)
        if mode is AutoresetMode.SAME_STEP and len(mine) > 1 and (mine[2] | mine[3]).any():
            np.testing.assert_array_equal(mine[4]["_final_obs"], other[4]["_final_obs"])
            np.testing.assert_array_equal(mine[4]["final_obs"][0], other[4]["final_obs"][0])


@pytest.mark.parametrize("num_envs", [3, 50])
def test_the_first_of_many_plays_as_one_alone(num_envs: int) -> None:
    many: Any = bellman.make_vec("CartPole-v1", num_envs)
    alone: Any = bellman.make_vec("CartPole-v1", 1)
    np.testing.assert_array_equal(many.reset(seed=9)[0][:1], alone.reset(seed=9)[0])
    rng = np.random.default_rng(0)
    for _ in range(100):
        actions = rng.integers(0, 2, num_envs)
        for a, b in zip(many.step(actions)[:4], alone.step(actions[:1])[:4], strict=True):
            np.testing.assert_array_equal(a[:1], b)


def test_the_modes_see_the_same_episodes() -> None:
    """Episode after episode, each environment goes through the same observations in every mode."""
    num_envs, seen = 20, {}
    for mode in AutoresetMode:
        envs = bellman.make_vec("CartPole-v1", num_envs, autoreset_mode=mode, max_episode_steps=12)
        paths: list[list[Any]] = [[row] for row in envs.reset(seed=3)[0]]
        waiting = np.zeros(num_envs, np.bool_)
        while min(map(len, paths)) < 80:
            # The action depends on what was seen, so that modes may be out of step with each other.
            actions = np.array([int(path[-1][2] > 0) for path in paths])
            observations, rewards, terminated, truncated, infos = envs.step(actions)
            over = terminated | truncated
            if mode is AutoresetMode.NEXT_STEP:
                np.testing.assert_array_equal(rewards, np.where(waiting, 0.0, 1.0))
            for e in range(num_envs):
                if mode is AutoresetMode.SAME_STEP and over[e]:
                    paths[e].append(infos["final_obs"][e])
                paths[e].append(observations[e])
            if mode is AutoresetMode.DISABLED and over.any():
                first = envs.reset(options={"reset_mask": over})[0]
                for ended in np.flatnonzero(over):
                    paths[ended].append(first[ended])
            waiting = over
        seen[mode] = np.array([path[:80] for path in paths])
    np.testing.assert_array_equal(seen[AutoresetMode.NEXT_STEP], seen[AutoresetMode.SAME_STEP])
    np.testing.assert_array_equal(seen[AutoresetMode.NEXT_STEP], seen[AutoresetMode.DISABLED])


def test_arrays_of_a_step_belong_to_the_caller() -> None:
    envs = bellman.make_vec("CartPole-v1", 16)
    first = envs.reset(seed=1)[0]
    kept = first.copy()
    second = envs.step(np.ones(16, np.int64))[0]
    kept_second = second.copy()
    envs.step(np.ones(16, np.int64))
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(second, kept_second)


def test_what_is_wrong_is_named() -> None:
    envs = bellman.make_vec("CartPole-v1", 4, autoreset_mode="Disabled", max_episode_steps=1)
    envs.reset(seed=1)
    with pytest.raises(ValueError, match="action 2 of environment 3 is not in"):
        envs.step(np.array([0, 1, 0, 2]))
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        envs.step(np.zeros(3, np.int64))
    with pytest.raises(ValueError, match="float64"):
        envs.step(np.zeros(4))
    envs.step(np.zeros(4, np.int64))
    with pytest.raises(ValueError, match="environment 0 is over"):
        envs.step(np.zeros(4, np.int64))
    with pytest.raises(ValueError, match="reset_mask"):
        envs.reset(options={"reset_mask": np.ones(3, np.bool_)})
    with pytest.raises(ValueError, match='did you mean "CartPole-v1"'):
        bellman.make("CartPole-v2")
    with pytest.raises(TypeError, match='did you mean "slippery"'):
        bellman.make("FrozenLake-v1", slipery=True)
    with pytest.raises(TypeError, match="training run"):
        bellman.make("CartPole-v1", gamma=0.9)
    with pytest.raises(ValueError, match="no option slippery|applies only"):
        bellman.make("CartPole-v1", slippery=False)
    with pytest.raises(ValueError, match="human"):
        bellman.make("CartPole-v1", render_mode="human")


def test_it_renders() -> None:
    lake = bellman.make("FrozenLake-v1", render_mode="ansi")
    lake.reset(seed=1)
    assert lake.render() == "@FFF\nFHFH\nFFFH\nHFFG\n"
    poles = bellman.make_vec("CartPole-v1", 2, render_mode="rgb_array")
    poles.reset(seed=1)
    pictures = poles.render()
    assert pictures is not None
    for picture in pictures:
        assert picture.shape == (400, 600, 3) and picture.dtype == np.uint8
        assert 0.001 < (picture != 255).any(axis=2).mean() < 0.5
    one = bellman.make("CartPole-v1", render_mode="rgb_array")
    one.reset(seed=1)
    np.testing.assert_array_equal(one.render(), pictures[0])


def test_gymnasium_makes_them_by_their_ids() -> None:
    bellman.register_envs()
    bellman.register_envs()
    env = gymnasium.make("bellman/FrozenLake-v1", map="8x8")
    assert env.observation_space.shape == (64,)
    envs = gymnasium.make_vec("bellman/CartPole-v1", num_envs=5)
    assert envs.reset(seed=1)[0].shape == (5, 4)
