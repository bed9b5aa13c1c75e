"""Training from Python: the command's bits, others' environments, what goes wrong, and Ctrl-C."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import threading
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import bellman

QUICK: dict[str, Any] = {"network": "dense 16, relu", "learning_starts": 200, "buffer_size": 1000, "batch_size": 16,
                         "train_frequency": 4, "target_network_frequency": 100}


def bits(model: bellman.DQN) -> dict[str, bytes]:
    return {name: values.tobytes() for name, values in model.parameters.items()}


# ---- built-in environments


def test_it_solves_cart_pole() -> None:
    model = bellman.DQN("CartPole-v1").learn(50_000)
    returns = model.evaluate(episodes=100)
    assert returns["mean"] >= 475
    assert model.result is not None and model.result["eval"]["mean"] >= 475


@pytest.mark.parametrize("env_id, settings", [
    ("CartPole-v1", {"seed": 3, "num_envs": 4, "dueling": True}),
    ("FrozenLake-v1", {"observation": "planes", "slippery": False, "network": "conv 4 3x3 padding 1, relu, flatten"}),
    ("MountainCar-v0", {"preset": "none", "normalize_observation": True, "learning_starts": 500}),
])
def test_the_command_trains_to_the_same_bytes(command: pathlib.Path, tmp_path: pathlib.Path, env_id: str,
                                              settings: dict[str, Any]) -> None:
    flags = ["--env-id", env_id, "--total-timesteps", "3000", "--run-dir", str(tmp_path / "run"), "--quiet"]
    for name, value in settings.items():
        key = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            flags.append(key if value else key.replace("--", "--no-"))
        else:
            flags += [key, str(value)]
    subprocess.run([command, "train", *flags], check=True, cwd=tmp_path)
    model = bellman.DQN(env_id, **settings).learn(3000)
    model.save(tmp_path / "model.safetensors")
    assert (tmp_path / "model.safetensors").read_bytes() == (tmp_path / "run" / "model.safetensors").read_bytes()
    arguments = ["--checkpoint", str(tmp_path / "model.safetensors"), "--episodes", "20", "--json"]
    evaluated = subprocess.run([command, "eval", *arguments], check=True, capture_output=True).stdout
    assert json.loads(evaluated)["eval"]["mean"] == model.evaluate(20)["mean"]


def test_what_was_saved_answers_the_same(tmp_path: pathlib.Path) -> None:
    model = bellman.DQN("FrozenLake-v1", map="8x8", **QUICK).learn(1000)
    model.save(tmp_path / "model.safetensors")
    settings = {name: value for name, value in QUICK.items() if name != "network"}
    loaded = bellman.DQN.load(tmp_path / "model.safetensors", **settings)
    assert loaded.settings["map"] == "8x8" and bits(loaded) == bits(model)
    observations = np.eye(64, dtype=np.float32)
    np.testing.assert_array_equal(loaded.q_values(observations), model.q_values(observations))
    assert loaded.evaluate(10) == model.evaluate(10)
    loaded.learn(1000)  # on from these parameters
    assert bits(loaded) != bits(model)


@pytest.mark.parametrize("dueling", [False, True])
def test_learning_goes_on_from_the_parameters(dueling: bool) -> None:
    model = bellman.DQN("CartPole-v1", preset="none", dueling=dueling, **QUICK).learn(400)
    before = bits(model)
    with pytest.warns(UserWarning, match="learning never starts"):
        model.learn(150)
    assert bits(model) == before
    model.learn(400)
    assert bits(model) != before


def test_predictions() -> None:
    model = bellman.DQN("CartPole-v1", **QUICK, preset="none").learn(300)
    observation = np.array([0.1, 0, -0.1, 0])
    action, state = model.predict(observation)
    assert action == model.q_values(observation).argmax() and state is None
    actions, _ = model.predict(np.stack([observation, -observation]))
    assert actions.shape == (2,) and actions[0] == action
    drawn = [model.predict(observation, deterministic=False)[0] for _ in range(400)]
    assert 0 < sum(a != action for a in drawn) < 40  # end_e is 0.05
    with pytest.raises(ValueError, match=r"shape \(3,\), must have \(4,\)"):
        model.predict(np.zeros(3))


def test_the_progress_bar_ends_at_the_last_step(capsys: pytest.CaptureFixture[str]) -> None:
    bellman.DQN("CartPole-v1", preset="none", **QUICK).learn(1500, progress_bar=True)
    lines = capsys.readouterr().err.split("\r")
    assert "100 %  1,500 steps" in lines[-1] and lines[-1].endswith("\n")


# ---- settings


@pytest.mark.parametrize("settings, error, message", [
    ({"lerning_rate": 1e-3}, TypeError, 'did you mean "learning_rate"'),
    ({"learning_rate": -1}, ValueError, "learning_rate"),
    ({"gamma": 1.5}, ValueError, "gamma.*1.5"),
    ({"batch_size": 0.5}, ValueError, "batch_size.*0.5"),
    ({"optimizer": "adm"}, ValueError, 'did you mean "adam"'),
    ({"momentum": 0.9}, ValueError, "momentum applies only with optimizer rmsprop or sgd"),
    ({"n_step": 2, "n_steps": 3}, ValueError, "n_step is given twice"),
    ({"device": "cuda"}, ValueError, "device is \"cuda\""),
])
def test_a_wrong_setting_is_named(settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        bellman.DQN("CartPole-v1", **settings).learn(10)


def test_presets_and_what_overrides_them() -> None:
    model = bellman.DQN("CartPole-v1", preset="cleanrl", batch_size=32)
    assert model.settings["batch_size"] == 32 and model.settings["n_step"] == 1
    assert bellman.DQN("CartPole-v1").settings["n_step"] == 5  # the environment's own preset
    with pytest.raises(ValueError, match='did you mean "cleanrl"'):
        bellman.DQN("CartPole-v1", preset="cleanrm")


def test_names_of_stable_baselines_are_known() -> None:
    model = bellman.DQN("CartPole-v1", train_freq=2, buffer_size=1e5, target_update_interval=7)
    assert (model.settings["train_frequency"], model.settings["buffer_size"]) == (2, 100_000)
    assert model.settings["target_network_frequency"] == 7


# ---- environments of Python's


@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.DISABLED])
def test_a_vector_environment_trains_to_the_built_in_ones_bits(mode: AutoresetMode) -> None:
    settings = {"seed": 5, "num_envs": 6, **QUICK, "n_step": 3, "max_grad_norm": 1}
    built_in = bellman.DQN("CartPole-v1", preset="none", eval_frequency=0, **settings).learn(3000)
    vector = bellman.make_vec("CartPole-v1", 6, autoreset_mode=mode)
    assert bits(bellman.DQN(vector, **settings).learn(3000)) == bits(built_in)


def test_an_environment_trains_to_the_built_in_ones_bits() -> None:
    settings = {"seed": 5, **QUICK, "prioritized": True}
    built_in = bellman.DQN("CartPole-v1", preset="none", eval_frequency=0, **settings).learn(2000)
    of_env = bellman.DQN(bellman.make("CartPole-v1"), **settings).learn(2000)
    assert bits(of_env) == bits(built_in)


class Line(gymnasium.Env[Any, Any]):
    """Five cells; the right end pays 1 and terminates. An episode is cut after 8 steps. Counts what is done to it."""

    observation_space = gymnasium.spaces.Discrete(5, start=10)
    action_space = gymnasium.spaces.Discrete(2, start=1)

    def __init__(self, fails_at: int = -1, error: BaseException | None = None):
        self.fails_at, self.error, self.steps, self.seeds = fails_at, error, 0, [] # type: ignore[var-annotated]

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.seeds.append(seed)
        self.cell, self.length = 0, 0
        return 10, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert action in (1, 2)
        if self.steps == self.fails_at and self.error is not None:
            raise self.error
        self.steps += 1
        self.length += 1
        self.cell = max(0, self.cell + (1 if action == 2 else -1))
        return 10 + self.cell, float(self.cell == 4), self.cell == 4, self.length == 8, {}


LINE: dict[str, Any] = {**QUICK, "network": "", "learning_rate": 0.02, "end_e": 0.2, "gamma": 0.9}


@pytest.mark.parametrize("mode", [None, *AutoresetMode])
def test_discrete_spaces_with_starts_in_every_mode(mode: AutoresetMode | None) -> None:
    env = Line() if mode is None else SyncVectorEnv([Line] * 3, autoreset_mode=mode)
    model = bellman.DQN(env, **LINE).learn(6000)
    assert all(model.predict(10 + cell)[0] == 2 for cell in range(4))
    # Truncation bootstraps and termination does not: one step from the goal the value is 1, and 0.9 a step before.
    for cell in range(4):
        assert abs(model.q_values(10 + cell)[1] - 0.9 ** (3 - cell)) < 0.05, cell
    assert model.evaluate(5, env=Line())["mean"] == 1
    assert model.result is not None and model.result["eval"] is None


def test_next_step_autoreset_is_no_step() -> None:
    """Of the steps that are counted those that only reset teach nothing, and belong to no episode."""
    rows: list[dict[str, Any]] = []
    envs = SyncVectorEnv([Line] * 4, autoreset_mode=AutoresetMode.NEXT_STEP)
    bellman.DQN(envs, **{**LINE, "start_e": 1, "end_e": 1, "log_frequency": 100}).learn(2000, callback=rows.append)
    assert 4 <= rows[-1]["rollout/ep_len_mean"] <= 8
    alone: list[dict[str, Any]] = []
    bellman.DQN(Line(), **{**LINE, "start_e": 1, "end_e": 1, "log_frequency": 100}).learn(2000, callback=alone.append)
    assert abs(rows[-1]["rollout/ep_len_mean"] - alone[-1]["rollout/ep_len_mean"]) < 0.6


def test_a_function_that_makes_environments_can_be_evaluated() -> None:
    model = bellman.DQN(Line, num_envs=2, eval_frequency=1000, eval_episodes=3, **LINE).learn(4000)
    assert model.result is not None and model.result["eval"]["mean"] == 1
    assert model.evaluate(3)["mean"] == 1


def test_the_seed_of_the_run_is_the_environments() -> None:
    env = Line()
    bellman.DQN(env, seed=7, **LINE).learn(100)
    assert env.seeds[0] == 7 and set(env.seeds[1:]) == {None}
    assert bits(bellman.DQN(Line(), seed=7, **LINE).learn(300)) == bits(bellman.DQN(Line(), seed=7, **LINE).learn(300))


def test_images_of_bytes() -> None:
    class Pixels(gymnasium.Env[Any, Any]):
        observation_space = gymnasium.spaces.Box(0, 255, (1, 4, 4), np.uint8)
        action_space = gymnasium.spaces.Discrete(2)

        def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
            super().reset(seed=seed)
            return self.observation_space.sample(), {}

        def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
            return self.observation_space.sample(), 1.0, True, False, {}

    model = bellman.DQN(Pixels(), **{**QUICK, "network": "conv 2 2x2, relu, flatten"}).learn(400)
    assert model.predict(np.zeros((1, 4, 4), np.uint8))[0] in (0, 1)


@pytest.mark.parametrize("error", [KeyError("no such key"), StopIteration(), SystemExit(3), RuntimeError("broken")])
@pytest.mark.parametrize("as_vector", [False, True])
def test_an_exception_comes_out_as_itself(error: BaseException, as_vector: bool) -> None:
    def make() -> Line:
        return Line(fails_at=250, error=error)

    model = bellman.DQN(SyncVectorEnv([make, make]) if as_vector else make(), **LINE)
    with pytest.raises(type(error)) as raised:
        model.learn(1000)
    assert raised.value is error
    assert any(entry.name == "step" for entry in raised.traceback)
    with pytest.raises(ValueError, match="no network yet"):
        model.predict(10)
    error.__traceback__ = None  # it keeps the run's objects, and pytest keeps the exception


def test_an_exception_in_a_callback_and_a_callback_that_ends_the_run() -> None:
    def fail(row: dict[str, Any]) -> None:
        raise LookupError(row["time/total_timesteps"])

    with pytest.raises(LookupError, match="1000"):
        bellman.DQN("CartPole-v1", preset="none", **QUICK).learn(3000, callback=fail)
    model = bellman.DQN("CartPole-v1", preset="none", **QUICK).learn(9000, callback=lambda row: False)
    assert model.result is not None and model.result["interrupted"] and model.result["timesteps"] == 1000
    model.predict(np.zeros(4))


@pytest.mark.parametrize("observation, action, message", [
    (gymnasium.spaces.MultiBinary(3), gymnasium.spaces.Discrete(2), r"observation space is MultiBinary\(3\)"),
    (gymnasium.spaces.Box(0, 1, (2, 2, 2, 2)), gymnasium.spaces.Discrete(2), r"observation space is Box"),
    (gymnasium.spaces.Box(0, 1, (2,)), gymnasium.spaces.Box(0, 1, (1,)), r"action space is Box"),
    (gymnasium.spaces.Box(0, 1, (2,)), gymnasium.spaces.MultiDiscrete([2, 2]), r"action space is MultiDiscrete"),
])
def test_other_spaces_are_refused_by_name(observation: Any, action: Any, message: str) -> None:
    env = Line()
    env.observation_space, env.action_space = observation, action
    with pytest.raises(ValueError, match=message):
        bellman.DQN(env)


def test_what_an_environment_of_pythons_cannot_have() -> None:
    with pytest.raises(ValueError, match="eval_frequency needs environments of its own"):
        bellman.DQN(Line(), eval_frequency=1000)
    with pytest.raises(ValueError, match="num_envs is 3, but the environment is 1"):
        bellman.DQN(Line(), num_envs=3)
    with pytest.raises(TypeError, match='"map" is a setting of built-in environments'):
        bellman.DQN(Line(), map="8x8")
    with pytest.raises(TypeError, match="env is 3, must be an environment's id"):
        bellman.DQN(3)

    class Wrong(Line):
        def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
            return 10, float("nan"), False, False, {}

    with pytest.raises(ValueError, match="reward is nan"):
        bellman.DQN(Wrong(), **LINE).learn(10)


# ---- Ctrl-C

INTERRUPTED = textwrap.dedent("""
    import signal, sys, time
    import numpy as np, bellman
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background was started with it ignored
    env = "CartPole-v1" if sys.argv[1] == "built-in" else bellman.make_vec("CartPole-v1", 2, autoreset_mode="SameStep")
    model = bellman.DQN(env, preset="none", network="dense 16, relu", learning_starts=100, eval_frequency=0)
    try:
        model.learn(1_000_000_000, callback=lambda row: print("running", flush=True))
    except KeyboardInterrupt:
        print("interrupted after", model.result["timesteps"], model.predict(np.zeros(4))[0], flush=True)
        sys.exit(7)
""")


@pytest.mark.parametrize("kind", ["built-in", "vector"])
def test_ctrl_c_ends_a_run_and_keeps_its_network(kind: str) -> None:
    run = subprocess.Popen([sys.executable, "-c", INTERRUPTED, kind], stdout=subprocess.PIPE, text=True,
                           env={**os.environ, "PYTHONWARNINGS": "ignore"})
    watchdog = threading.Timer(60, run.kill)
    watchdog.start()
    try:
        assert run.stdout is not None and run.stdout.readline() == "running\n"
        run.send_signal(signal.SIGINT)
        lines = run.stdout.read().splitlines()
        assert run.wait() == 7
        assert lines[-1].startswith("interrupted after ")
    finally:
        watchdog.cancel()
        run.kill()


def test_threads_train_side_by_side() -> None:
    alone = bits(bellman.DQN("CartPole-v1", preset="none", **QUICK).learn(2000))
    found: list[dict[str, bytes]] = []
    threads = [threading.Thread(target=lambda: found.append(bits(bellman.DQN("CartPole-v1", preset="none", **QUICK).learn(2000))))
               for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [alone, alone]


@pytest.mark.filterwarnings("ignore:.*fork.*")
def test_a_forked_child_may_use_an_agent_and_make_its_own() -> None:
    model = bellman.DQN("CartPole-v1", preset="none", **QUICK).learn(500)
    expected = model.evaluate(3)["mean"], bits(model)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            again = bellman.DQN("CartPole-v1", preset="none", **QUICK).learn(500)
            status = 0 if (model.evaluate(3)["mean"], bits(again)) == expected else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class _Sized(gymnasium.Env[Any, Any]):
    """Observations of a size, and a number of actions."""

    def __init__(self, size: int, actions: int) -> None:
        self.observation_space = gymnasium.spaces.Box(-1, 1, (size,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(actions)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return self.observation_space.sample(), 0.0, True, False, {}


def test_a_model_is_not_taken_over_by_an_environment_of_another_shape(tmp_path: pathlib.Path) -> None:
    bellman.DQN(_Sized(4, 2), learning_starts=10).learn(30).save(tmp_path / "m.safetensors")
    bellman.DQN.load(tmp_path / "m.safetensors", env=_Sized(4, 2), learning_starts=10).learn(30)
    for size, actions in ((3, 2), (5, 2), (4000, 2), (4, 3)):
        with pytest.raises(ValueError, match=r"the model is for observations \(4,\) and 2 actions"):
            bellman.DQN.load(tmp_path / "m.safetensors", env=_Sized(size, actions))
    with pytest.raises(ValueError, match="the model is for"):
        bellman.DQN.load(tmp_path / "m.safetensors", env="MountainCar-v0", learning_starts=10)


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_an_observation_that_is_not_finite_is_refused(number: float) -> None:
    model = bellman.DQN("CartPole-v1", learning_starts=10, eval_frequency=0, preset="none").learn(30)
    for ask in (model.predict, model.q_values):
        with pytest.raises(ValueError, match="NaN or infinite"):
            ask(np.full(4, number))
    for epsilon in (2.0, -0.1, np.nan):
        with pytest.raises(ValueError, match="epsilon"):
            model.evaluate(episodes=1, epsilon=epsilon)


def test_an_action_is_never_narrowed_to_another() -> None:
    envs = bellman.make_vec("CartPole-v1", num_envs=3)
    envs.reset(seed=1)
    with pytest.raises(ValueError, match="from 0 to 1"):
        envs.step(np.array([2**32 + 1, 0, 2**40]))
    env = bellman.make("CartPole-v1")
    env.reset(seed=1)
    with pytest.raises(TypeError):
        env.step(1.5)  # type: ignore[arg-type]


def test_an_environment_in_processes_is_played_by_this_interpreter() -> None:
    model = bellman.DQN("gymnasium:CartPole-v1", learning_starts=10, eval_frequency=0, final_eval_episodes=2)
    assert model.settings["python"] == sys.executable
    assert model.learn(60).evaluate(episodes=2)["mean"] >= 8
    with pytest.raises(TypeError, match="give one of them"):
        bellman.DQN("CartPole-v1", env_id="Acrobot-v1")


def test_every_environment_of_a_function_has_the_same_spaces() -> None:
    sizes = iter([(4, 2), (4, 3)])
    with pytest.raises(ValueError, match="environment 1 has the spaces"):
        bellman.DQN(lambda: _Sized(*next(sizes)), num_envs=2)


def test_a_model_file_imports_no_module(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "evil.py").write_text("import gymnasium\nfrom gymnasium.envs.classic_control import CartPoleEnv\n"
                                      "gymnasium.register('Evil-v0', entry_point=CartPoleEnv, max_episode_steps=20)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path) + os.pathsep + os.environ.get("PYTHONPATH", ""))
    env_id, model = "gymnasium:evil:Evil-v0", tmp_path / "m.safetensors"
    bellman.DQN(env_id, learning_starts=10, eval_frequency=0, final_eval_episodes=1).learn(30).save(model)
    with pytest.raises(ValueError, match="pass env to allow it"):
        bellman.DQN.load(model)
    assert bellman.DQN.load(model, env=env_id).evaluate(episodes=1)["mean"] > 0
