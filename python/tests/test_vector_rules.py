"""What Gymnasium asks of its own vector environments (its tests/vector), asked of bellman.make_vec.

Theirs about wrappers, worker processes, attributes of single environments, other spaces and environments' own infos have no
counterpart here: all copies are one object, observations are a Box, and built-in environments give no infos.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiDiscrete
from gymnasium.vector import AutoresetMode

import bellman

IDS = [env_id for env_id, _summary in bellman.env_entries()]


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("num_envs", [1, 3, 8])
def test_spaces_shapes_and_types(env_id: str, num_envs: int) -> None:
    """Of what reset() and step() return, for actions as an array and as a list."""
    envs = bellman.make_vec(env_id, num_envs)
    single: Any = bellman.make(env_id)
    assert envs.num_envs == num_envs
    assert isinstance(envs.observation_space, Box) and isinstance(envs.action_space, MultiDiscrete)
    assert envs.single_observation_space == single.observation_space and envs.single_action_space == single.action_space
    assert isinstance(envs.single_action_space, Discrete)
    observations, infos = envs.reset(seed=0)
    assert infos == {} and observations in envs.observation_space
    assert observations.dtype == envs.observation_space.dtype and observations.shape == envs.observation_space.shape
    assert observations.shape == (num_envs, *single.observation_space.shape)
    as_list: Any = [envs.single_action_space.sample() for _ in range(num_envs)]
    for actions in (envs.action_space.sample(), as_list):
        observations, rewards, terminated, truncated, infos = envs.step(actions)
        assert observations in envs.observation_space and infos == {}
        assert rewards.shape == (num_envs,) and isinstance(rewards[0], np.floating)
        for flags in (terminated, truncated):
            assert flags.shape == (num_envs,) and flags.dtype == np.bool_
    envs.close()


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("mode", AutoresetMode)
def test_the_same_seed_plays_the_same(env_id: str, mode: AutoresetMode) -> None:
    pair = [bellman.make_vec(env_id, 3, autoreset_mode=mode) for _ in range(2)]
    for envs in pair:
        envs.action_space.seed(5)
    first = [envs.reset(seed=7)[0] for envs in pair]
    np.testing.assert_array_equal(first[0], first[1])
    for _ in range(60):
        actions = [envs.action_space.sample() for envs in pair]
        np.testing.assert_array_equal(actions[0], actions[1])
        steps = [envs.step(action) for envs, action in zip(pair, actions, strict=True)]
        for a, b in zip(steps[0][:4], steps[1][:4], strict=True):
            np.testing.assert_array_equal(a, b)
        over = steps[0][2] | steps[0][3]
        if mode is AutoresetMode.DISABLED and over.any():
            for envs in pair:
                envs.reset(options={"reset_mask": over})


@pytest.mark.parametrize("mode", AutoresetMode)
def test_the_mode_is_declared_by_its_name_too(mode: AutoresetMode) -> None:
    for given in (mode, mode.value):
        assert bellman.make_vec("CartPole-v1", 2, autoreset_mode=given).metadata["autoreset_mode"] == mode
    bellman.register_envs()
    made = gymnasium.make_vec("bellman/CartPole-v1", num_envs=2, vectorization_mode="vector_entry_point", autoreset_mode=mode.value)
    assert made.metadata["autoreset_mode"] == mode
    with pytest.raises(ValueError, match='autoreset_mode is .never., must be one of "NextStep", "SameStep", "Disabled"'):
        bellman.make_vec("CartPole-v1", 2, autoreset_mode="never")


LIMITED: dict[str, Any] = {"max_episode_steps": 3}  # no CartPole falls within three steps


def test_next_step_resets_with_the_step_after_an_end() -> None:
    envs = bellman.make_vec("CartPole-v1", 2, autoreset_mode="NextStep", **LIMITED)
    envs.reset(seed=1)
    seen = [envs.step(np.array([0, 1])) for _ in range(5)]
    assert [step[3].tolist() for step in seen] == [[False, False]] * 2 + [[True, True]] + [[False, False]] * 2
    assert [step[1].tolist() for step in seen] == [[1, 1]] * 3 + [[0, 0]] + [[1, 1]]
    assert (np.abs(seen[3][0]) <= 0.05).all() and (np.abs(seen[2][0]) > 0.05).any()  # a first observation, and a last one
    assert all(step[4] == {} for step in seen)


def test_same_step_resets_at_once_and_keeps_the_last_observation() -> None:
    pair = [bellman.make_vec("CartPole-v1", 2, autoreset_mode=mode, **LIMITED) for mode in ("SameStep", "NextStep")]
    for envs in pair:
        envs.reset(seed=1)
    same, after = ([envs.step(np.array([0, 1])) for _ in range(4)] for envs in pair)
    observations, rewards, _terminated, truncated, infos = same[2]
    assert rewards.tolist() == [1, 1] and truncated.all()
    assert set(infos) == {"final_obs", "_final_obs", "final_info", "_final_info"}
    np.testing.assert_array_equal(np.stack(list(infos["final_obs"])), after[2][0])
    np.testing.assert_array_equal(observations, after[3][0])  # the next episodes' first
    assert infos["_final_obs"].tolist() == infos["_final_info"].tolist() == [True, True]
    for row in infos["final_obs"]:
        assert row in pair[0].single_observation_space


def test_disabled_resets_those_that_the_mask_marks() -> None:
    envs = bellman.make_vec("CartPole-v1", 3, autoreset_mode="Disabled")
    first = envs.reset(seed=[0, 1, 2])[0]
    for _ in range(3):
        stepped = envs.step(np.array([0, 1, 0]))[0]
    again = envs.reset(seed=[0, 1, 0], options={"reset_mask": np.array([True, True, False])})[0]
    np.testing.assert_array_equal(again[:2], first[:2])
    np.testing.assert_array_equal(again[2], stepped[2])
    one: Any = bellman.make_vec("CartPole-v1", 3, autoreset_mode="Disabled")
    one.reset(seed=9)
    kept = one.step(np.array([0, 1, 0]))[0]
    partly = one.reset(seed=9, options={"reset_mask": np.array([False, True, False])})[0]
    np.testing.assert_array_equal(partly[[0, 2]], kept[[0, 2]])
    np.testing.assert_array_equal(partly[1], bellman.make_vec("CartPole-v1", 3).reset(seed=9)[0][1])
    next_kept, next_partly = (bellman.make_vec("CartPole-v1", 3, autoreset_mode="Disabled") for _ in range(2))
    for other in (next_kept, next_partly):
        other.reset(seed=9)
        other.step(np.array([0, 1, 0]))
    next_partly.reset(seed=4, options={"reset_mask": np.array([False, True, False])})
    a, b = (other.step(np.array([1, 1, 1]))[0] for other in (next_kept, next_partly))
    np.testing.assert_array_equal(a[[0, 2]], b[[0, 2]])  # they went on as if nothing had been


@pytest.mark.parametrize("mask", [[True], [True, True, False, False], [[True, True, True]], [1, 1, 0], [1.0, 1.0, 0.0], [False, False, False]])
def test_a_mask_that_is_none_is_refused(mask: Any) -> None:
    envs = bellman.make_vec("CartPole-v1", 3, autoreset_mode="Disabled")
    with pytest.raises(ValueError, match="none was reset before"):
        envs.reset(options={"reset_mask": np.array([True, True, False])})
    envs.reset(options={"reset_mask": np.ones(3, np.bool_)})
    with pytest.raises(ValueError, match="reset_mask"):
        envs.reset(options={"reset_mask": np.array(mask)})


@pytest.mark.parametrize("env_id", IDS)
def test_a_list_of_seeds_has_one_for_each(env_id: str) -> None:
    """As the environment alone has it; None draws one."""
    envs: Any = bellman.make_vec(env_id, 3)
    alone: list[Any] = [bellman.make(env_id) for _ in range(3)]
    seeds = [5, 2**40, 5]
    observations = envs.reset(seed=seeds)[0]
    for env, seed, row in zip(alone, seeds, observations, strict=True):
        np.testing.assert_array_equal(env.reset(seed=seed)[0], row)
    for _ in range(5):
        rows, rewards = envs.step(np.zeros(3, np.int64))[:2]
        for e, env in enumerate(alone):
            expected = env.step(0)
            np.testing.assert_array_equal(expected[0], rows[e])
            assert expected[1] == rewards[e]
        if any(bool(flag) for flag in envs.step(np.zeros(3, np.int64))[2]):
            break
        for env in alone:
            env.step(0)
    envs.reset(seed=(None, 1, np.int64(2)))
    for wrong, message in (([1, 2], "seed has 2 numbers for 3 environments"), ([1, 2, 0.5], r"seed\[2\] is 0.5"), ([1, 2, -1], r"seed\[2\] is -1"),
                           ("abc", "seed is 'abc'"), (1.5, "seed is 1.5")):
        with pytest.raises((TypeError, ValueError), match=message):
            envs.reset(seed=wrong)


def test_a_closed_environment_does_nothing_more() -> None:
    envs: Any = bellman.make_vec("CartPole-v1", 2, render_mode="rgb_array")
    env: Any = bellman.make("CartPole-v1", render_mode="rgb_array")
    for player, actions in ((envs, np.array([0, 0])), (env, 0)):
        player.reset(seed=1)
        player.close()
        player.close()
        for act in (player.reset, lambda player=player, actions=actions: player.step(actions), player.render):
            with pytest.raises(gymnasium.error.ClosedEnvironmentError, match="was closed"):
                act()


def test_pictures_of_all() -> None:
    envs = bellman.make_vec("CartPole-v1", 3, render_mode="rgb_array")
    assert envs.render_mode == "rgb_array"
    envs.reset()
    frames = envs.render()
    assert isinstance(frames, tuple) and len(frames) == 3 and all(isinstance(frame, np.ndarray) for frame in frames)
    assert bellman.make_vec("CartPole-v1", 3).render_mode is None
