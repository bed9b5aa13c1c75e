"""`--env-id gymnasium:ID`: the command plays environments of Python packages in other processes."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest

HERE = pathlib.Path(__file__).parent
ECHO = "gymnasium:odd_envs:Echo-v0"


class Bellman:
    def __init__(self, command: pathlib.Path, folder: pathlib.Path) -> None:
        self.command, self.folder = command, folder

    def arguments(self, *arguments: str) -> list[str]:
        return [str(self.command), *arguments]

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """In the folder of odd_envs.py, which then can be imported."""
        done = subprocess.run(self.arguments(*arguments), capture_output=True, text=True, cwd=HERE, timeout=300)
        assert done.returncode == code, done.stderr
        return done

    def train(self, name: str, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        return self.run("train", "--run-dir", str(self.folder / name), "--no-report", *TRAIN, *arguments, code=code)

    def model(self, name: str) -> bytes:
        return (self.folder / name / "model.safetensors").read_bytes()


PYTHON = ["--python", sys.executable]
TRAIN = [*PYTHON, "--learning-starts", "100", "--network", "dense 8, relu", "--eval-frequency", "0", "--seed", "3", "--final-eval-episodes", "2"]


@pytest.fixture
def bellman(command: pathlib.Path, tmp_path: pathlib.Path) -> Bellman:
    return Bellman(command, tmp_path)


def rollout(bellman: Bellman, env_id: str, actions: str, *more: str) -> list[dict[str, Any]]:
    lines = bellman.run("rollout", "--env-id", env_id, *PYTHON, "--actions", actions, *more).stdout.splitlines()
    return [json.loads(line) for line in lines]


def test_actions_rewards_and_final_observations_pass_unchanged(bellman: Bellman) -> None:
    steps = rollout(bellman, ECHO, "0,1,1", "--env-kwargs", "end=3")
    seed = steps[0]["obs"][0]
    assert [step["obs"] for step in steps] == [[seed, 0, 0], [seed, 1, 5], [seed, 2, 6], [seed, 3, 6]]
    assert [step["reward"] for step in steps[1:]] == [0.25, 1, 0.5]
    assert [(step["terminated"], step["truncated"]) for step in steps[1:]] == [(False, False), (False, False), (True, False)]
    truncated = rollout(bellman, ECHO, "0,1", "--env-kwargs", '{"end": 9, "limit": 2}')[-1]
    assert (truncated["terminated"], truncated["truncated"]) == (False, True)


def test_each_episode_has_a_seed_of_its_own_and_repeats(bellman: Bellman) -> None:
    first, again, other = (rollout(bellman, ECHO, "0", "--seed", seed)[0]["obs"][0] for seed in ("1", "1", "2"))
    assert first == again != other


@pytest.mark.parametrize("env_id", ["CartPole-v1", "FrozenLake-v1", "CliffWalking-v1", "Blackjack-v1"])
def test_its_own_copy_makes_the_same_steps(bellman: Bellman, env_id: str) -> None:
    """Gymnasium in this process, from the state that the command's first observation shows. Blackjack's tuple is refused."""
    if env_id == "Blackjack-v1":
        refused = bellman.run("envs", "--env-id", f"gymnasium:{env_id}", *PYTHON, code=2).stderr
        assert "the observation space is Tuple(Discrete(32), Discrete(11), Discrete(2))" in refused
        return
    keywords = {"is_slippery": False} if env_id == "FrozenLake-v1" else {}
    actions = [1, 0, 1, 1, 0, 0, 1]
    steps = rollout(bellman, f"gymnasium:{env_id}", ",".join(map(str, actions)), "--env-kwargs", json.dumps(keywords))
    env: Any = gymnasium.make(env_id, **keywords).unwrapped
    env.reset(seed=0)
    start = np.array(steps[0]["obs"])
    is_one_hot = isinstance(env.observation_space, gymnasium.spaces.Discrete)
    if is_one_hot:
        env.s = int(start.argmax())
    else:
        env.state = start.astype(np.float32)
    for action, step in zip(actions, steps[1:]):
        seen, reward, terminated, _truncated, _info = env.step(action)
        if is_one_hot:
            assert np.flatnonzero(step["obs"]).tolist() == [seen] and max(step["obs"]) == 1
        else:
            np.testing.assert_allclose(step["obs"], seen, rtol=1e-6, atol=1e-7)  # the start was rounded to float32
        assert (step["reward"], step["terminated"]) == (reward, terminated)


def test_results_do_not_depend_on_the_workers(bellman: Bellman) -> None:
    models = []
    for workers in ("1", "2", "5"):
        bellman.train(workers, "--env-id", ECHO, "--total-timesteps", "600", "--num-envs", "5", "--env-workers", workers)
        models.append(bellman.model(workers))
    assert models[0] == models[1] == models[2]


def test_episodes_that_end_together_and_apart_begin_with_their_own_seeds(bellman: Bellman) -> None:
    """Copies are reset together; each has the episodes that it has alone, whoever ends beside it."""
    returns: dict[str, list[str]] = {}
    for copies in ("1", "3"):
        bellman.train(copies, "--env-id", "gymnasium:CartPole-v1", "--total-timesteps", str(90 * int(copies)), "--num-envs", copies, "--env-workers", "1",
                      "--learning-starts", "1000", "--start-e", "0", "--end-e", "0")
        rows = (bellman.folder / copies / "monitor.csv").read_text().splitlines()[2:]
        returns[copies] = [",".join(row.split(",")[:2]) for row in rows]
    assert len(returns["1"]) >= 3
    remaining = iter(returns["3"])
    assert all(row in remaining for row in returns["1"]), returns  # in this order, among those of the others


@pytest.mark.parametrize("env_id", ["gymnasium:CartPole-v1", "gymnasium:odd_envs:OwnState-v0"])
def test_a_killed_run_goes_on_to_the_same_bits(bellman: Bellman, env_id: str) -> None:
    """By the pickle of one, by get_state of the other."""
    settings = ["--env-id", env_id, "--total-timesteps", "30000", "--num-envs", "3", "--checkpoint-seconds", "0.1"]
    if "CartPole" in env_id:
        settings += ["--max-episode-steps", "200"]
    bellman.train("whole", *settings)
    folder = bellman.folder / "killed"
    run = subprocess.Popen(bellman.arguments("train", "--run-dir", str(folder), "--no-report", "--quiet", *TRAIN, *settings), cwd=HERE)
    deadline = time.monotonic() + 120
    while len(list(folder.glob("checkpoint-*"))) == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.2)
    run.kill()
    assert run.wait() == -signal.SIGKILL, "it was over before it could be killed"
    bellman.run("train", "--resume", str(folder), "--no-report", "--quiet")
    assert bellman.model("killed") == bellman.model("whole")


def test_an_environment_that_cannot_be_saved_begins_new_episodes_and_says_so(bellman: Bellman) -> None:
    settings = ["--env-id", "gymnasium:odd_envs:Unsaved-v0", "--num-envs", "2"]
    told = bellman.train("r", *settings, "--total-timesteps", "305").stderr
    assert "cannot be saved" in told
    resumed = bellman.run("train", "--resume", str(bellman.folder / "r"), "--override", "total_timesteps=405", "--no-report")
    assert "cannot be saved" in resumed.stderr
    lengths = [int(row.split(",")[1]) for row in (bellman.folder / "r" / "monitor.csv").read_text().splitlines()[2:]]
    assert set(lengths) == {6}  # the interrupted ones are no episodes
    assert len(lengths) < 405 // 6


MISBEHAVIOUR = {
    "raises": "step: ValueError: the motor  [31m is off (odd_envs.py, line ",
    "exits": "the process that plays it has ended with status 3",
    "leaves": "step: SystemExit: 4 (odd_envs.py, line ",
    "killed": "the process that plays it was ended by signal 9 (Killed)",
    "hangs": "no answer for 10 s from the process that plays it (--env-timeout)",
    "shape": "step: an observation has the shape (4,), the space says (3,)",
    "old": "step: step() returned 4 values, must be 5: observation, reward, terminated, truncated, info",
    "nothing": "step: step() returned None, must be 5: observation, reward, terminated, truncated, info",
    "reward": "step: the reward is None, no number",
    "ends": "step: terminated is None, must be a bool",
}


@pytest.mark.parametrize("how", MISBEHAVIOUR)
def test_each_misbehaviour_is_one_line_and_the_checkpoint_stays(bellman: Bellman, how: str) -> None:
    settings = ["--env-id", ECHO, "--num-envs", "2", "--total-timesteps", "2000", "--checkpoint-frequency", "20"]
    if how == "hangs":
        settings += ["--env-timeout", "10"]
    failed = bellman.train("r", *settings, "--env-kwargs", f"end=90, how={how}, at=80", code=2)
    assert failed.stderr.splitlines()[-1].startswith(f"bellman train: {ECHO}: {MISBEHAVIOUR[how]}"), failed.stderr
    assert "Traceback" not in failed.stderr
    kept = list((bellman.folder / "r").glob("checkpoint-*"))
    assert kept
    bellman.run("inspect", str(max(kept)))


def test_every_copy_has_the_same_spaces(bellman: Bellman) -> None:
    settings = ["--env-id", "gymnasium:odd_envs:Changing-v0", "--num-envs", "2", "--env-workers", "1", "--total-timesteps", "200"]
    failed = bellman.train("r", *settings, code=2).stderr
    assert "copy 1 has the spaces" in failed and "the first has" in failed


def test_nan_is_the_run_s_own_matter(bellman: Bellman) -> None:
    settings = ["--env-id", ECHO, "--total-timesteps", "300", "--env-kwargs", "end=90, how=nan"]
    failed = bellman.train("stop", *settings, code=2).stderr
    assert f"environment 0 ({ECHO}), step 20 of its episode" in failed
    bellman.train("skip", *settings, "--on-nan", "skip")


def test_what_an_environment_prints_is_no_result(bellman: Bellman) -> None:
    done = bellman.run("rollout", "--env-id", ECHO, *PYTHON, "--actions", "0,0", "--env-kwargs", "how=prints, at=1")
    assert [json.loads(line)["t"] for line in done.stdout.splitlines()] == [0, 1, 2]
    assert done.stderr.count("hello from the environment") >= 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--env-id", "gymnasium:odd_envs:BoxActions-v0"], "the action space is Box(-1.0, 1.0, (2,), float32); only Discrete"),
        (["--env-id", "gymnasium:odd_envs:DictObservations-v0"], "the observation space is Dict('a': Discrete(2)); only Box and"),
        (["--env-id", "gymnasium:odd_envs:FourExtents-v0"], "observations have the shape (2, 2, 2, 2); 1 to 3 extents"),
        (["--env-id", "gymnasium:Nope-v3"], "NameNotFound: Environment `Nope` doesn't exist"),
        (["--env-id", "gymnasium:no_such_module:Echo-v0"], "ModuleNotFoundError: No module named 'no_such_module'"),
        (["--env-id", "gymnasium:"], "Malformed environment ID"),
        (["--env-id", "gymnasium:CartPole-v1", "--env-kwargs", "a b"], "env_kwargs: 'a b' is no NAME=VALUE"),
        (["--env-id", "gymnasium:CartPole-v1", "--env-kwargs", "{a"], "env_kwargs is no JSON object"),
        (["--env-id", "gymnasium:CartPole-v1", "--env-kwargs", "nope=1"], "got an unexpected keyword argument 'nope'"),
        (["--env-id", "gymnasium:CartPole-v1", "--python", "/nowhere/python"], "cannot start /nowhere/python: No such file"),
        (["--env-id", "gymnasium:CartPole-v1", "--python", "/bin/true"], "the process that plays it has ended with status 0"),
        (["--env-id", "gymnasium:CartPole-v1", "--env-timeout", "0"], "--env-timeout"),
        (["--env-id", "CartPole-v1", "--env-kwargs", "a=1"], "--env-kwargs applies only with env_id gymnasium:ID"),
        (["--env-id", "CartPole-v1", "--env-workers", "2"], "--env-workers applies only with env_id gymnasium:ID"),
        (["--env-id", "gymnasium:CartPole-v1", "--map", "4x4"], "--map applies only with"),
    ],
)
def test_what_cannot_be_played_is_refused_by_name(bellman: Bellman, arguments: list[str], reason: str) -> None:
    python = [] if "--python" in arguments or "CartPole-v1" == arguments[1] else PYTHON
    refused = bellman.run("envs", *arguments, *python, code=2).stderr
    assert reason in refused and len(refused.splitlines()) == 1, refused


def test_a_python_without_the_package_is_told_what_it_lacks(bellman: Bellman, tmp_path: pathlib.Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    refused = bellman.run("envs", "--env-id", "gymnasium:CartPole-v1", "--python", str(bare), code=2).stderr
    assert "has no module numpy (`pip install numpy`, or name another Python with --python)" in refused


def test_a_model_is_evaluated_watched_and_reported(bellman: Bellman) -> None:
    bellman.train("r", "--env-id", ECHO, "--total-timesteps", "300")
    model = str(bellman.folder / "r" / "model.safetensors")
    refused = bellman.run("eval", "--checkpoint", model, *PYTHON, code=2).stderr
    assert "give --env-id to allow it" in refused
    evaluated = json.loads(bellman.run("eval", "--checkpoint", model, "--env-id", ECHO, *PYTHON, "--episodes", "4", "--json").stdout)["eval"]
    assert evaluated["mean_length"] == 6 and evaluated["mean"] == 2 * (0.5 + 0.25 + 1)
    page = bellman.folder / "watched.html"
    bellman.run("watch", "--checkpoint", model, "--env-id", ECHO, *PYTHON, "--record", str(page), "--episodes", "2")
    assert "Episode 2" in page.read_text()
    report = bellman.folder / "report.html"
    bellman.run("report", str(bellman.folder / "r"), "-o", str(report))
    assert "Echo-v0" in report.read_text()


def recorded(bellman: Bellman, model: str, file: pathlib.Path, env_id: str, *more: str) -> str:
    """What `bellman watch --record` says on stderr."""
    arguments = ["--checkpoint", model, "--env-id", f"gymnasium:odd_envs:{env_id}-v0", *PYTHON, "--record", str(file), *more]
    return bellman.run("watch", *arguments).stderr


def test_a_gif_shows_the_frames_that_the_environment_draws(bellman: Bellman) -> None:
    bellman.train("r", "--env-id", ECHO, "--total-timesteps", "300")
    model, gif = str(bellman.folder / "r" / "model.safetensors"), bellman.folder / "watched.gif"

    def watch(env_id: str, *more: str) -> str:
        return recorded(bellman, model, gif, env_id, *more)

    def size_and_frames() -> tuple[int, int, int]:
        data = gif.read_bytes()
        return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little"), data.count(b"\x21\xf9\x04")

    assert watch("Drawing") == ""
    assert size_and_frames() == (300, 200, 7)  # 150 x 100, twice as large; the reset and 6 steps
    bars = "bellman watch: bars show the observation, because the environment does not draw itself: gymnasium:odd_envs:"
    told = watch("Drawing", "--env-kwargs", "draws=raises")
    assert told.startswith(bars) and "DependencyNotInstalled: pygame is not installed" in told and told.count("\n") == 1
    assert size_and_frames() == (480, 320, 7)
    assert "render() returned float32 of shape (100, 150, 3), must be bytes" in watch("Drawing", "--env-kwargs", "draws=floats")
    told = watch("Echo")
    assert told.splitlines()[-1].startswith(bars) and "render_mode" in told, told


def frames_on(page: pathlib.Path, episode: int = 1) -> list[dict[str, Any]]:
    found = re.search(rf'<script type="application/json" id="episode-{episode}-frames">(.*?)</script>', page.read_text())
    assert found, page
    frames: list[dict[str, Any]] = json.loads(found.group(1))
    return frames


def gif_of(frame: dict[str, Any]) -> bytes:
    before, _, text = frame["set"][".frame"]["href"].partition(",")
    assert before == "data:image/gif;base64"
    return base64.b64decode(text, validate=True)


def test_a_page_shows_the_frames_that_the_environment_draws(bellman: Bellman) -> None:
    bellman.train("r", "--env-id", ECHO, "--total-timesteps", "300")
    model, page = str(bellman.folder / "r" / "model.safetensors"), bellman.folder / "watched.html"

    def watch(env_id: str, *more: str) -> str:
        return recorded(bellman, model, page, env_id, *more)

    assert watch("Drawing", "--episodes", "2") == ""
    for episode in (1, 2):
        frames = frames_on(page, episode)
        assert [frame["caption"].split(":")[0] for frame in frames] == [f"step {i}" for i in range(7)]  # the reset and 6 steps
        pictures = [gif_of(frame) for frame in frames]
        assert len(set(pictures)) == 7  # a column more each
        assert all(picture[:6] == b"GIF89a" and picture[6:10] == bytes([150, 0, 100, 0]) for picture in pictures)
    assert 'width="150" height="100" image-rendering="pixelated"' in page.read_text()
    for draws, reason in (("raises", "DependencyNotInstalled: pygame is not installed"), ("floats", "must be bytes")):
        told = watch("Drawing", "--env-kwargs", f"draws={draws}")
        assert "bars show the observation" in told and reason in told and told.count("\n") == 1
        assert "data:image" not in page.read_text() and ".shape-" in page.read_text()


def test_a_page_of_many_or_large_frames_has_a_bounded_size_and_says_so(bellman: Bellman) -> None:
    bellman.train("r", "--env-id", ECHO, "--total-timesteps", "300")
    model, page = str(bellman.folder / "r" / "model.safetensors"), bellman.folder / "watched.html"
    drawing = ["watch", "--checkpoint", model, "--env-id", "gymnasium:odd_envs:Drawing-v0", *PYTHON, "--record", str(page)]
    told = bellman.run(*drawing, "--env-kwargs", "draws=noise, end=200").stderr
    assert re.fullmatch(r"bellman watch: the page shows one frame in \d+ of episode 1, so that its pictures take at most 16 MiB\n", told), told
    every = int(told.split(" of episode")[0].rsplit(" ", 1)[1])
    assert every > 1 and f"One frame in {every} is shown, and the last: all 201 would take" in page.read_text()
    shown = [int(frame["caption"].split(":")[0].removeprefix("step ")) for frame in frames_on(page)]
    assert shown[:-1] == list(range(0, 200, every)) and shown[-1] == 200
    assert 4 << 20 < page.stat().st_size < 17 << 20
    assert bytes([480 % 256, 1, 320 % 256, 1]) == gif_of(frames_on(page)[0])[6:10]  # 900 x 600, shrunk


def test_no_process_stays_behind(bellman: Bellman) -> None:
    """Neither of a run that ends, nor of one that is killed: they see the closed socket."""
    ended, killed = (f"how={bellman.folder.name}-{which}" for which in ("ended", "killed"))
    bellman.train("r", "--env-id", ECHO, "--total-timesteps", "300", "--num-envs", "4", "--env-workers", "4", "--env-kwargs", ended)
    assert not workers_with(ended)
    settings = ["--env-id", ECHO, "--total-timesteps", "1000000000", "--num-envs", "4", "--env-workers", "4", "--env-kwargs", killed]
    run = subprocess.Popen(bellman.arguments("train", "--run-dir", str(bellman.folder / "k"), "--quiet", *TRAIN, *settings), cwd=HERE)
    wait_until(lambda: len(workers_with(killed)) == 4)
    run.kill()
    run.wait()
    wait_until(lambda: not workers_with(killed))


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def workers_with(keywords: str) -> list[str]:
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            arguments = pathlib.Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
        except OSError:
            continue
        if keywords in arguments and any("env_worker.py" in argument for argument in arguments):
            found.append(pid)
    return found
