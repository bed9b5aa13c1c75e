"""An Atari game as deep Q-learning plays it: `--atari`. env_worker.py, behind which this text is compiled, makes them.

Frame skip, maximum of two frames, grey picture and life loss are as Mnih et al. 2015 (methods) describe them; random starts and
the game's own time limit as Machado et al. 2018 (sections 4 and 5) discuss them. gymnasium.wrappers.AtariPreprocessing computes the same
numbers with OpenCV, and tests/envs/process/test_atari.py holds this against it. Here NumPy is enough, and ale_py is asked through its
Gymnasium environment alone.
"""


def area_windows(size, wanted):
    """Which of `size` pixels in a row make each of `wanted` ones, and their shares. Output pixel i covers size / wanted pixels, the
    first and last in part: output i = sum_k shares[k, i] pixel[where[k, i]]. Short windows end with shares of 0."""
    edges = numpy.arange(wanted + 1) * (size / wanted)
    first = numpy.floor(edges[:-1] + 1e-9).astype(int)
    longest = int((numpy.ceil(edges[1:] - 1e-9).astype(int) - first).max())
    where = first + numpy.arange(longest)[:, None]
    covered = numpy.minimum(where + 1, edges[1:]) - numpy.maximum(where, edges[:-1])
    shares = numpy.where(covered > 1e-9, covered, 0) * (wanted / size)
    return numpy.minimum(where, size - 1), shares.astype("f4")


class AreaResize:
    """A grey picture of bytes (height, width) made (wanted, wanted): each pixel is the mean of the area that it covers, rounded
    to the nearest, at a half to the even one. Sums are in the order of OpenCV's INTER_AREA, in 32 bits: the same bytes."""

    def __init__(self, shape, wanted):
        self.rows, row_shares = area_windows(shape[0], wanted)
        self.row_shares = row_shares[:, :, None]
        self.columns, self.column_shares = area_windows(shape[1], wanted)

    def __call__(self, picture):
        narrow = self.column_shares[0] * picture.take(self.columns[0], axis=1)
        for shares, columns in zip(self.column_shares[1:], self.columns[1:]):
            narrow += shares * picture.take(columns, axis=1)
        small = self.row_shares[0] * narrow[self.rows[0]]
        for shares, rows in zip(self.row_shares[1:], self.rows[1:]):
            small += shares * narrow[rows]
        return numpy.rint(small, out=small).astype("u1")


class AtariGame:
    """A game of ale_py, `env`, which shows every frame in grey, as agents see it: pictures of one channel.

    `sticky`: with this probability a frame repeats the action of the frame before (Machado et al. 2018, section 5). That is
    done here, since the emulator's saved state does not hold its last action.

    `limit`: steps of an episode, 0 for the game's own limit alone. After a life that was lost with terminal_on_life_loss, reset()
    goes on with the next one, by a step without action, as Mnih et al. 2015's program and Stable-Baselines3's EpisodicLifeEnv
    do; AtariPreprocessing begins the game anew. The last observation of an episode shows its last frames, where
    AtariPreprocessing repeats those of the step before.
    """

    def __init__(self, env, sticky, noop_max, frame_skip, screen_size, terminal_on_life_loss, limit):
        self.env, self.sticky, self.noop_max, self.frame_skip = env, sticky, noop_max, frame_skip
        self.terminal_on_life_loss, self.limit = terminal_on_life_loss, limit
        self.resize = AreaResize(env.observation_space.shape, screen_size)
        self.observation_space = gymnasium.spaces.Box(0, 255, (1, screen_size, screen_size), "uint8")
        self.steps = self.lives = self.last_action = 0
        self.random = numpy.random.default_rng(0)  # of sticky actions
        self.goes_on = False  # the last episode ended with a life, not with the game
        self.beginning = None  # of every game: the emulator's state, what is seen and known there; False: no state is exact
        if noop_max > 0 and self.env.unwrapped.get_action_meanings()[0] != "NOOP":
            raise Refused("noop_max is above 0, but the game's first action is not NOOP")

    def __getattr__(self, name):  # action_space, spec, render, ...
        if name == "env":
            raise AttributeError(name)
        return getattr(self.env if hasattr(self.env, name) else self.env.unwrapped, name)

    @property
    def unwrapped(self):
        return self  # get_state and set_state are here

    @property
    def own_limit(self):
        """Of the game, in steps: it counts frames."""
        frames = self.env.spec.kwargs.get("max_num_frames_per_episode") or 0
        return -(-frames // self.frame_skip)

    def reset(self, seed):
        self.steps = 0
        while self.goes_on:
            seen, _, terminated, truncated, info = self.frames(0)
            if not (terminated or truncated):
                return seen, info
        self.random, self.last_action = numpy.random.default_rng([1, seed]), 0
        frame, info = self.begin(seed)
        noops = self.env.unwrapped.np_random.integers(1, self.noop_max + 1) if self.noop_max > 0 else 0
        for _ in range(noops):
            frame, _, terminated, truncated, info = self.env.step(0)
            if terminated or truncated:
                frame, info = self.begin(seed)
        self.lives = info["lives"]
        return self.resize(frame)[None], info

    def begin(self, seed):
        """A game from its first frame. A reset with a seed loads the game's file again, which takes as long as 100 steps and more;
        without sticky actions of its own the emulator begins every game alike. Its state there is therefore kept, and restored
        for each game after the first, where that is exact: some games, of which Qbert is one, go on otherwise from a restored state."""
        if self.beginning:
            state, frame, info = self.beginning
            self.env.unwrapped.seed_game(seed)  # of the count of no-ops
            self.env.unwrapped.restore_state(state)
            return frame, info
        frame, info = self.env.reset(seed=seed)
        if self.beginning is None:
            state = self.env.unwrapped.clone_state(include_rng=True)
            played = self.trial()
            self.env.unwrapped.restore_state(state)
            self.beginning = (state, frame, info) if self.trial() == played else False
            return self.begin(seed)
        return frame, info

    def trial(self):
        """What some frames show and give, in bytes and numbers."""
        random, shown = numpy.random.default_rng(1), []
        for _ in range(100):
            frame, reward, terminated, truncated, info = self.env.step(int(random.integers(self.env.action_space.n)))
            shown.append((frame.tobytes(), float(reward), terminated, truncated, info["lives"]))
            if terminated or truncated:
                break
        return shown

    def step(self, action):
        seen, reward, terminated, truncated, info = self.frames(action)
        self.steps += 1
        return seen, reward, terminated, truncated or self.steps == self.limit, info

    def frames(self, action):
        """The action for frame_skip frames, or until the episode ends. Shown is the maximum of the last two: sprites of the
        console flicker between even and odd frames."""
        total, last = 0.0, None
        for _ in range(self.frame_skip):
            before = last
            if self.sticky == 0 or self.random.random() >= self.sticky:
                self.last_action = action
            last, reward, terminated, truncated, info = self.env.step(self.last_action)
            total += reward
            lost, self.lives = info["lives"] < self.lives, info["lives"]
            self.goes_on = self.terminal_on_life_loss and lost and not (terminated or truncated)
            if self.goes_on:
                terminated = True
            if terminated or truncated:
                break
        shown = last if before is None else numpy.maximum(last, before)
        return self.resize(shown)[None], total, terminated, truncated, info

    def get_state(self):
        counts = self.steps, self.lives, self.goes_on, self.last_action
        return self.env.unwrapped.clone_state(include_rng=True), counts, self.random.bit_generator.state

    def set_state(self, state):
        emulator, counts, self.random.bit_generator.state = state
        self.steps, self.lives, self.goes_on, self.last_action = counts
        self.env.unwrapped.restore_state(emulator)


def atari_game(name, asked, limit, noop_max, frame_skip, screen_size, terminal_on_life_loss):
    """gymnasium.make, for games of ale_py: `asked` are its keyword arguments."""
    for own, setting in (("frameskip", "--frame-skip"), ("obs_type", "--atari")):
        if own in asked:
            raise Refused(f"env_kwargs gives {own}, which {setting} decides")
    if asked.get("sound_obs"):
        raise Refused("env_kwargs gives sound_obs, but --atari observes the screen alone")
    if not name.startswith("ALE/") and not name.endswith(("NoFrameskip-v0", "NoFrameskip-v4")):
        raise Refused(f"--atari plays games of ale_py (gymnasium:ALE/Pong-v5), not {name}")
    if frame_skip < 1 or noop_max < 0 or not 1 <= screen_size <= 160:
        raise Refused(f"frame_skip {frame_skip} must be at least 1, noop_max {noop_max} at least 0, and screen_size {screen_size} from 1 to 160")
    sticky = asked.pop("repeat_action_probability", gymnasium.spec(name).kwargs.get("repeat_action_probability", 0))
    if not isinstance(sticky, (int, float)) or not 0 <= sticky <= 1:
        raise Refused(f"repeat_action_probability is {one_line(repr(sticky))}, must be a number from 0 to 1")
    env = gymnasium.make(name, disable_env_checker=True, frameskip=1, obs_type="grayscale", repeat_action_probability=0.0, **asked)
    return AtariGame(env, sticky, noop_max, frame_skip, screen_size, terminal_on_life_loss, limit)


def register_games():
    ale_py = imported("ale_py")
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)  # or each game prints who made it
    gymnasium.register_envs(ale_py)
