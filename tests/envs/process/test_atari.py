"""`--atari`: games of ale_py as agents see them, against gymnasium.wrappers.AtariPreprocessing's own output (tests/data/golden_atari.npz,
made by scripts/golden/atari.py), against plain definitions, and through the command."""

from __future__ import annotations

import json
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import time
from typing import Any

import gymnasium
import numpy as np
import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]
PYTHON = ["--python", sys.executable]
PONG, BREAKOUT = "gymnasium:ALE/Pong-v5", "gymnasium:ALE/Breakout-v5"
SMALL = [*PYTHON, "--preset", "none", "--network", "conv 4 8x8 stride 8, relu, flatten, dense 8, relu", "--observation-scale", "0.004",
         "--learning-starts", "50", "--batch-size", "8", "--train-frequency", "4", "--eval-frequency", "0", "--final-eval-episodes", "1",
         "--max-episode-steps", "300", "--reward-clip", "1", "--frame-stack", "4"]


def module() -> dict[str, Any]:
    """The worker's text about games, with what stands around it there."""

    class Refused(Exception):
        pass

    names: dict[str, Any] = {"numpy": np, "gymnasium": gymnasium, "Refused": Refused, "imported": __import__, "one_line": str}
    exec((ROOT / "envs/process/atari.py").read_text(), names)
    names["register_games"]()
    return names


ATARI = module()
GOLDEN = np.load(ROOT / "tests/data/golden_atari.npz")
CASES = [name.removesuffix(".case") for name in GOLDEN.files if name.endswith(".case")]


def game(name: str, limit: int = 0, noop_max: int = 30, frame_skip: int = 4, screen_size: int = 84, life: bool = False, **asked: Any) -> Any:
    """Without sticky actions, unless they are asked for."""
    return ATARI["atari_game"](f"ALE/{name}-v5", {"repeat_action_probability": 0.0, **asked}, limit, noop_max, frame_skip, screen_size, life)


def run(command: pathlib.Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(command), *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, done.stderr
    return done


@pytest.mark.parametrize("case", CASES)
def test_every_byte_is_atari_preprocessing_s(case: str) -> None:
    name, skip, size, life, seed = GOLDEN[f"{case}.case"]
    expected = np.cumsum(GOLDEN[f"{case}.observations"], axis=0, dtype=np.uint8)
    env = game(name, frame_skip=int(skip), screen_size=int(size), life=life == "1")
    assert env.observation_space.shape == (1, *expected[0].shape)
    seen, _ = env.reset(seed=int(seed))
    assert np.array_equal(seen, expected[:1])
    results = GOLDEN[f"{case}.results"]
    for t, action in enumerate(GOLDEN[f"{case}.actions"]):
        seen, reward, terminated, truncated, _ = env.step(int(action))
        assert [reward, terminated, truncated] == results[t].tolist()
        if t + 1 < len(expected):
            assert seen.dtype == np.uint8 and np.array_equal(seen[0], expected[t + 1]), t
    if life == "1":
        assert results[-1][1] == 1, "no life was lost"


@pytest.mark.parametrize(("shape", "size"), [((210, 160), 84), ((250, 160), 84), ((210, 160), 7), ((10, 12), 10)])
def test_a_pixel_is_the_mean_of_the_area_that_it_covers(shape: tuple[int, int], size: int) -> None:
    """Every pixel becomes `size` ones in a row, of which an output pixel takes as many as the picture had; and so in columns."""
    random = np.random.default_rng(1)
    resize = ATARI["AreaResize"](shape, size)
    for top in (2, 256):
        picture = random.integers(0, top, shape, dtype=np.uint8)
        rows = picture.astype(float).repeat(size, 0).reshape(size, shape[0], shape[1]).mean(axis=1)
        mean = rows.repeat(size, 1).reshape(size, size, shape[1]).mean(axis=2)
        assert np.abs(resize(picture) - mean).max() <= 0.5 + 1e-4  # 32-bit sums


def test_what_is_seen_is_the_maximum_of_the_last_two_frames() -> None:
    frames = gymnasium.make("ALE/Breakout-v5", frameskip=1, obs_type="grayscale", repeat_action_probability=0.0)
    for skip in (1, 2, 4):
        env = game("Breakout", frame_skip=skip, noop_max=0, screen_size=84)
        env.reset(seed=5)
        frames.reset(seed=5)
        for t in range(30):
            seen, reward, *_ = env.step(t % 4)
            shown, rewards = [], []
            for _ in range(skip):
                frame, one, *_ = frames.step(t % 4)
                shown.append(frame)
                rewards.append(float(one))
            assert np.array_equal(seen[0], env.resize(np.max(shown[-2:], axis=0))) and reward == sum(rewards)


def test_an_episode_begins_with_one_to_noop_max_frames_without_action() -> None:
    counts, env = [], game("Pong", noop_max=4)
    for seed in range(25):
        env.reset(seed=seed)
        counts.append(env.env.unwrapped.ale.getEpisodeFrameNumber())
    assert set(counts) == {1, 2, 3, 4}
    env = game("Pong", noop_max=0)
    env.reset(seed=1)
    assert env.env.unwrapped.ale.getEpisodeFrameNumber() == 0


@pytest.mark.parametrize("name", ["Assault", "Breakout", "Freeway", "Qbert", "Tennis"])
def test_a_game_s_file_is_loaded_again_only_where_its_beginning_cannot_be_restored(name: str) -> None:
    """Freeway's reset alone goes on from the game before; Qbert goes on otherwise from a restored state."""
    env, fresh, random = game(name), gymnasium.make(f"ALE/{name}-v5", frameskip=1, obs_type="grayscale", repeat_action_probability=0.0), np.random.default_rng(2)
    env.reset(seed=1)
    assert bool(env.beginning) == (name != "Qbert")
    loads, load = [], env.env.unwrapped.load_game
    env.env.unwrapped.load_game = lambda: loads.append(load())
    for seed in (7, 8):
        for _ in range(40):
            env.step(int(random.integers(env.action_space.n)))
        seen, info = env.reset(seed=seed)
        frame, _ = fresh.reset(seed=seed)
        for _ in range(int(fresh.unwrapped.np_random.integers(1, 31))):
            frame, _, _, _, told = fresh.step(0)
        assert np.array_equal(seen[0], env.resize(frame)) and info == told
        for _ in range(30):
            action = int(random.integers(env.action_space.n))
            shown, reward, *_ = env.frames(action)
            frames, rewards = zip(*(fresh.step(action)[:2] for _ in range(4)))
            assert np.array_equal(shown[0], env.resize(np.maximum(frames[2], frames[3]))) and reward == sum(map(float, rewards))
    assert len(loads) == (2 if name == "Qbert" else 0)


def test_a_lost_life_ends_an_episode_and_the_game_goes_on() -> None:
    """Mnih et al. 2015. AtariPreprocessing would begin the game anew."""
    env, random = game("Breakout", life=True), np.random.default_rng(3)
    env.reset(seed=1)
    lives, frame, ends = 5, 0, 0
    while ends < 12:
        _, _, terminated, truncated, info = env.step(int(random.integers(4)))
        assert not truncated
        now = env.env.unwrapped.ale.getEpisodeFrameNumber()
        if not terminated:
            assert info["lives"] == lives
            continue
        ends += 1
        assert info["lives"] == lives - 1
        env.reset(seed=100 + ends)
        frame = env.env.unwrapped.ale.getEpisodeFrameNumber()
        if info["lives"] > 0:
            assert frame == now + 4  # a step without action
        else:
            assert 1 <= frame <= 30  # another game
        lives = env.lives
        assert lives == (info["lives"] or 5)


def test_the_limits_of_steps_and_of_the_game_truncate() -> None:
    env = game("Pong", limit=9)
    env.reset(seed=1)
    assert [env.step(0)[3] for _ in range(9)] == [False] * 8 + [True]
    env = game("Pong", noop_max=0, max_num_frames_per_episode=40)
    assert env.own_limit == 10
    env.reset(seed=1)
    assert [env.step(0)[3] for _ in range(10)] == [False] * 9 + [True]
    assert game("Pong").own_limit == 27_000


def test_sticky_actions_repeat_the_action_of_the_frame_before() -> None:
    """Asked for 2 and 3 in turn, a frame has the other one with the probability q = p (1 - q)."""
    for p, q in ((0.0, 0.0), (0.25, 0.2), (0.5, 1 / 3)):
        env, wrong = game("Pong", frame_skip=1, repeat_action_probability=p), 0
        env.reset(seed=1)
        for t in range(2000):
            env.step(2 + t % 2)
            wrong += env.last_action != 2 + t % 2
        assert abs(wrong / 2000 - q) <= 4 * (q * (1 - q) / 2000) ** 0.5
    assert ATARI["atari_game"]("ALE/Pong-v5", {}, 0, 30, 4, 84, False).sticky == 0.25


@pytest.mark.parametrize("sticky", [0.0, 0.25])
@pytest.mark.parametrize("name", ["Breakout", "Pong"])
def test_a_game_goes_on_from_its_state(name: str, sticky: float) -> None:
    env, other = (game(name, life=True, repeat_action_probability=sticky) for _ in range(2))
    random = np.random.default_rng(1)
    env.reset(seed=3)
    for t in range(40):
        if env.step(int(random.integers(4)))[2]:
            env.reset(seed=t)
    other.reset(seed=0)
    other.set_state(pickle.loads(pickle.dumps(env.get_state())))
    ends = 0
    for t in range(200):
        action = int(random.integers(4))
        a, b = env.step(action), other.step(action)
        assert np.array_equal(a[0], b[0]) and a[1:4] == b[1:4], t
        if a[2]:
            ends += 1
            assert np.array_equal(env.reset(seed=t)[0], other.reset(seed=t)[0])
    assert ends > 2 or name == "Pong"


def test_the_command_shows_stacks_of_the_last_four_pictures(command: pathlib.Path) -> None:
    lines = run(command, "rollout", "--env-id", PONG, *PYTHON, "--atari", "--frame-stack", "4", "--actions", "2,2,3,3,2,2,3", "--seed", "4")
    stacks = [np.array(json.loads(line)["obs"]).reshape(4, 84, 84) for line in lines.stdout.splitlines()]
    assert len(stacks) == 8 and all((stacks[0][0] == frame).all() for frame in stacks[0])
    for before, after in zip(stacks, stacks[1:]):
        assert np.array_equal(before[1:], after[:3])
    assert len({stack[3].tobytes() for stack in stacks}) > 4
    assert set(np.unique(stacks[0])) <= set(range(256))


def test_a_killed_run_goes_on_to_the_same_bits(command: pathlib.Path, tmp_path: pathlib.Path) -> None:
    settings = [*SMALL, "--env-id", BREAKOUT, "--atari", "--terminal-on-life-loss", "--num-envs", "2", "--n-step", "3", "--prioritized",
                "--buffer-size", "300", "--total-timesteps", "1600", "--checkpoint-frequency", "400", "--no-report", "--quiet", "--seed", "3"]
    run(command, "train", "--run-dir", str(tmp_path / "whole"), *settings)
    started = subprocess.Popen([str(command), "train", "--run-dir", str(tmp_path / "killed"), *settings])
    deadline = time.monotonic() + 200
    while not list((tmp_path / "killed").glob("checkpoint-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    started.kill()
    assert started.wait() == -signal.SIGKILL, "it was over before it could be killed"
    resumed = run(command, "train", "--resume", str(tmp_path / "killed"), "--no-report", "--quiet")
    assert "cannot be saved" not in resumed.stderr
    models = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "killed")]
    assert models[0] == models[1]


def test_a_model_plays_whole_games_and_every_command_takes_it(command: pathlib.Path, tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "r"
    run(command, "train", "--run-dir", str(folder), *SMALL, "--env-id", BREAKOUT, "--atari", "--terminal-on-life-loss", "--total-timesteps", "400")
    model = str(folder / "model.safetensors")
    env = json.loads(json.loads(run(command, "inspect", model, "--json").stdout)["metadata"]["env"])
    assert env["atari"] and env["frame_stack"] == 4 and not env["terminal_on_life_loss"]
    result = json.loads(run(command, "eval", "--checkpoint", model, *PYTHON, "--episodes", "1", "--json").stdout)["eval"]
    assert result["episodes"] == 1
    page = tmp_path / "watched.html"
    run(command, "watch", "--checkpoint", model, *PYTHON, "--record", str(page), "--episodes", "1", "--max-episode-steps", "20")
    assert page.read_text().count("data:image/gif;base64,") == 21 and 'viewBox="0 0 160 210"' in page.read_text()
    picture = tmp_path / "watched.gif"
    run(command, "watch", "--checkpoint", model, *PYTHON, "--record", str(picture), "--episodes", "1", "--max-episode-steps", "20")
    width, height = (int.from_bytes(picture.read_bytes()[at : at + 2], "little") for at in (6, 8))
    assert width * 210 == height * 160  # the game's own picture, not what the agent sees
    run(command, "export", "--checkpoint", model, "--onnx", str(tmp_path / "m.onnx"))
    run(command, "fork", str(folder), "--at", "200", "--run-dir", str(tmp_path / "f"), "--override", "learning_rate=1e-3")


REFUSED = [
    (["--env-id", "CartPole-v1", "--atari"], "--atari applies only with env_id gymnasium:ID, and env_id is CartPole-v1"),
    (["--env-id", "envpool:Pong-v5", "--atari", *PYTHON], "--atari applies only with env_id gymnasium:ID, and env_id is envpool:Pong-v5"),
    (["--env-id", "gymnasium:CartPole-v1", "--atari", *PYTHON], "--atari plays games of ale_py (gymnasium:ALE/Pong-v5), not CartPole-v1"),
    (["--env-id", PONG, "--noop-max", "3", *PYTHON], "--noop-max applies only with atari true"),
    (["--env-id", PONG, "--atari", "--screen-size", "161", *PYTHON], "--screen-size"),
    (["--env-id", PONG, "--atari", "--env-kwargs", "frameskip=4", *PYTHON], "env_kwargs gives frameskip, which --frame-skip decides"),
    (["--env-id", PONG, "--atari", "--env-kwargs", "obs_type=ram", *PYTHON], "env_kwargs gives obs_type, which --atari decides"),
    (["--env-id", PONG, "--atari", "--frame-stack", "0", *PYTHON], "--frame-stack"),
    (["--env-id", PONG, "--atari", "--env-kwargs", "sound_obs=true", *PYTHON], "env_kwargs gives sound_obs, but --atari observes the screen alone"),
    (["--env-id", PONG, "--atari", "--env-kwargs", "mode=77", *PYTHON], "Invalid game mode requested"),
    *((["--env-id", PONG, "--atari", "--env-kwargs", f"repeat_action_probability={given}", *PYTHON], f"repeat_action_probability is {said}, must be a number from 0 to 1")
      for given, said in (("2", "2"), ("-0.1", "-0.1"), ("x", "'x'"), ("null", "None"), ("NaN", "nan"), ("[0]", "[0]"))),
]


@pytest.mark.parametrize(("arguments", "reason"), REFUSED)
def test_what_cannot_be_is_refused_in_a_line(command: pathlib.Path, arguments: list[str], reason: str) -> None:
    refused = run(command, "envs", *arguments, code=2).stderr
    assert reason in refused and len(refused.splitlines()) == 1, refused


@pytest.mark.parametrize("preset", ["auto", "nature-atari"])
def test_a_preset_trains(command: pathlib.Path, tmp_path: pathlib.Path, preset: str) -> None:
    small = ["--buffer-size", "500", "--total-timesteps", "48", "--learning-starts", "40", "--final-eval-episodes", "1", "--eval-frequency", "0",
             "--max-episode-steps", "40", "--no-report", "--quiet", "--json"]
    atari = ["--atari"] if preset == "auto" else []
    done = run(command, "train", "--run-dir", str(tmp_path / "r"), "--env-id", PONG, *PYTHON, *atari, "--preset", preset, *small)
    assert json.loads(done.stdout)["gradient_updates"] >= 1
