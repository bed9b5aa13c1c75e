"""Steps environments in Python for process_envs_bench. A line `KIND ID ENVS STEPS` on stdin is answered by the seconds that STEPS
vector steps took. Kinds:

    loop     one environment after the other, in this process
    sync     Gymnasium's SyncVectorEnv
    async    Gymnasium's AsyncVectorEnv: a process for each environment, observations in shared memory
"""

from __future__ import annotations

import sys
import time
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv


class Loop:
    """The environments' own time: nothing is kept."""

    def __init__(self, makers: list[Any]) -> None:
        self.envs = [make() for make in makers]

    def reset(self, seed: int) -> None:
        for env in self.envs:
            env.reset(seed=seed)

    def step(self, actions: Any) -> None:
        for env, action in zip(self.envs, actions):
            _seen, _reward, terminated, truncated, _info = env.step(action)
            if terminated or truncated:
                env.reset()


KINDS = {"loop": Loop, "sync": SyncVectorEnv, "async": AsyncVectorEnv}


def main() -> None:
    made: dict[tuple[str, ...], Any] = {}
    random = np.random.default_rng(0)
    for line in sys.stdin:
        kind, name, count, steps = line.split()
        envs = made.get((kind, name, count))
        if envs is None:
            make = lambda: gymnasium.make(name, disable_env_checker=True)  # noqa: E731
            envs = made[kind, name, count] = KINDS[kind]([make] * int(count))
            envs.reset(seed=1)
        rows = random.integers(0, 2, (int(steps), int(count)))
        actions = rows.tolist() if kind == "loop" else list(rows)
        start = time.perf_counter()
        for row in actions:
            envs.step(row)
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
