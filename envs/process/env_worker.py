"""Plays environments of Gymnasium or EnvPool for a bellman process, which starts this one (envs/process/env_worker.h).

Requests are lines on a socket, each answered by a line: `ok`, with what was asked for, or `error` and the reason. Actions, rewards
and observations pass through memory that both processes map: a record for each copy of the environment,

    reward f8, terminated u1, truncated u1, at byte 12 seed u4, action i4, and from byte 64 on the observation, f4 each

Arguments: socket, memory (descriptors), id, keyword arguments, time limit, how copies are saved ("first" for the worker that
finds out, what it found for others), and the options of --atari as a JSON object, or nothing. atari.py stands before this text.
"""

import ast
import functools
import gc
import json
import mmap
import os
import pickle
import select
import struct
import sys
import time
import traceback

os.environ.setdefault("OMP_NUM_THREADS", "1")  # there are as many workers as processors already
if "rgb_array" in sys.argv[4]:  # pictures need no screen
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
os.dup2(2, 1)  # what an environment prints is no result of the command

SOCKET, MEMORY = int(sys.argv[1]), int(sys.argv[2])
ID, KEYWORDS, LIMIT, PLACE, ATARI = sys.argv[3:8]
SOURCE = "env_worker.py"  # as it is compiled
HEAD = 64  # bytes of a record before the observation
MOMENT, MOST_SKIPPED = 100e-6, 63  # seconds to spin before it sleeps, and how often not after a moment in vain
RESULT = struct.Struct("=dBB")  # reward, terminated, truncated


class Refused(Exception):
    """Its text says all."""


def one_line(text):
    return " ".join(str(text).split())[:500]


def reason(error):
    """The last line of the traceback, and where that was."""
    if isinstance(error, Refused):
        return one_line(error)
    text = one_line("".join(traceback.format_exception_only(type(error), error)))
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != SOURCE]
    place = f" ({os.path.basename(frames[-1].filename)}, line {frames[-1].lineno})" if frames else ""
    return text + place


def keywords(text):
    """{"gravity": -9.0} of `gravity=-9.0, wind=true`, or of a JSON object."""
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text)
        except ValueError as error:
            raise Refused(f"env_kwargs is no JSON object: {error}") from None
    found = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not name.isidentifier():
            raise Refused(f"env_kwargs: {part!r} is no NAME=VALUE (a value with a comma needs the form of a JSON object)")
        if name in found:
            raise Refused(f"env_kwargs gives {name} twice")
        found[name] = value_of(value)
    return found


def value_of(text):
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError):
            pass
    return text


def imported(name):
    try:
        return __import__(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        hint = f"{sys.executable} has no module {name} (`pip install {name}`, or name another Python with --python)"
        raise Refused(hint) from None


class Spaces:
    """How observations become numbers, and numbers actions."""

    def __init__(self, observations, actions):
        spaces = gymnasium.spaces
        if not isinstance(actions, spaces.Discrete):
            raise Refused(f"the action space is {actions}; only Discrete is supported")
        self.num_actions, self.first_action = int(actions.n), int(actions.start)
        self.is_discrete = isinstance(observations, spaces.Discrete)
        if self.is_discrete:
            self.shape, self.dtype = (int(observations.n),), "one_hot"
            self.first_state = int(observations.start)
        elif isinstance(observations, spaces.Box):
            self.own_shape = observations.shape
            self.shape, self.dtype = observations.shape or (1,), str(observations.dtype)
        else:
            raise Refused(f"the observation space is {observations}; only Box and Discrete are supported")
        if not 1 <= len(self.shape) <= 3 or 0 in self.shape:
            raise Refused(f"observations have the shape {self.shape}; 1 to 3 extents of 1 or more are supported")

    def write(self, row, seen):
        if self.is_discrete:
            row[:] = 0
            row[int(seen) - self.first_state] = 1
            return
        if getattr(seen, "shape", None) != self.own_shape and numpy.shape(seen) != self.own_shape:
            raise Refused(f"an observation has the shape {numpy.shape(seen)}, the space says {self.own_shape}")
        row[...] = seen

    def actions(self, chosen):
        """As the environment numbers them."""
        return [self.first_action + a for a in chosen.tolist()] if self.first_action else chosen.tolist()


def flag(name, value):
    """A bool. 0 and 1 are taken for one."""
    if isinstance(value, (bool, numpy.bool_)) or (isinstance(value, (int, numpy.integer)) and value in (0, 1)):
        return bool(value)
    raise Refused(f"{name} is {one_line(repr(value))[:60]}, must be a bool")


def misshapen(result):
    """What is wrong with what step() returned."""
    found = f"{len(result)} values" if isinstance(result, (tuple, list)) else one_line(repr(result))[:60]
    return f"step() returned {found}, must be 5: observation, reward, terminated, truncated, info"


def part_of(which):
    """An index for arrays over the copies. NumPy is slow with a range."""
    return slice(which.start, which.stop) if isinstance(which, range) else which


# ---- one environment after the other: Gymnasium


def time_limit(env):
    """The wrapper that counts the steps, or None."""
    while env is not env.unwrapped:
        if hasattr(env, "_elapsed_steps"):
            return env
        env = env.env
    return None


class Pickled:
    """The whole environment as bytes."""

    @staticmethod
    def save(env):
        return pickle.dumps(env)

    @staticmethod
    def load(_, data):
        return pickle.loads(data)


class OwnState:
    """What the environment's get_state gives, and the time limit's count."""

    @staticmethod
    def save(env):
        limit = time_limit(env)
        return pickle.dumps((env.unwrapped.get_state(), limit and limit._elapsed_steps))

    @staticmethod
    def load(env, data):
        state, steps = pickle.loads(data)
        env.reset(seed=0)
        env.unwrapped.set_state(state)
        if steps is not None:
            time_limit(env)._elapsed_steps = steps
        return env


WAYS = {"pickle": Pickled, "get_state": OwnState}


def same(a, b):
    """Two results of step(), to the last bit; information aside."""
    return numpy.array_equal(numpy.asarray(a[0]), numpy.asarray(b[0]), equal_nan=True) and a[1:4] == b[1:4]


def way_to_save(make, actions):
    """The first way in which a restored copy plays on as the original does; None: there is none. A pickle that succeeds is no
    proof: one of an EzPickle environment holds its arguments alone."""
    for way in [OwnState] if ATARI else WAYS.values():
        try:
            played = make()
            played.reset(seed=1)
            for t in range(5):
                if any(played.step(actions[t % len(actions)])[2:4]):
                    played.reset(seed=2 + t)
            restored = way.load(make(), way.save(played))
            results = []
            for env in (played, restored):
                results.append([])
                for t in range(10):
                    results[-1].append(env.step(actions[(3 * t + 1) % len(actions)]))
                    if any(results[-1][-1][2:4]):
                        env.reset(seed=20 + t)
            if all(same(a, b) for a, b in zip(*results)):
                return way
        except BaseException:  # whatever it is, this way does not work
            pass
    return None


class Gymnasium:
    """Copies from gymnasium.make, stepped one after the other. None of them resets itself."""

    def __init__(self, name):
        self.name = name
        self.envs = []
        if ATARI or name.startswith("ALE/"):
            register_games()
        first = self.make()
        self.spaces = Spaces(first.observation_space, first.action_space)
        self.first_spaces = (first.observation_space, first.action_space)
        self.spec = first.spec
        self.own_limit = getattr(first, "own_limit", None)
        self.meanings = getattr(first.unwrapped, "get_action_meanings", lambda: [])()
        actions = [self.spaces.first_action + a for a in range(self.spaces.num_actions)]
        self.way = way_to_save(self.make, actions) if PLACE == "first" else WAYS.get(PLACE)
        self.spare = first

    def make(self):
        asked = keywords(KEYWORDS)
        if ATARI:
            return atari_game(self.name, asked, max(int(LIMIT), 0), **json.loads(ATARI))
        if int(LIMIT) >= 0:
            asked["max_episode_steps"] = int(LIMIT) or -1
        return gymnasium.make(self.name, disable_env_checker=True, **asked)

    def grow(self, copies):
        while len(self.envs) < copies:
            env = self.spare or self.make()
            self.spare = None
            spaces = (env.observation_space, env.action_space)
            if spaces != self.first_spaces:
                raise Refused(f"copy {len(self.envs)} has the spaces {spaces}, the first has {self.first_spaces}")
            self.envs.append(env)

    def reset(self, records, which):
        for e in which:
            seen, _ = self.envs[e].reset(seed=int(records.seeds[e]))
            self.spaces.write(records.rows[e], seen)

    def step(self, records, which):
        envs, rows, write = self.envs, records.rows, self.spaces.write
        put, memory, stride = RESULT.pack_into, records.memory, records.stride  # quicker than arrays are
        for e, action in zip(which, self.spaces.actions(records.actions[part_of(which)])):
            result = envs[e].step(action)
            try:
                seen, reward, terminated, truncated, _ = result
            except (TypeError, ValueError):
                raise Refused(misshapen(result)) from None
            write(rows[e], seen)
            if terminated is not False:
                terminated = flag("terminated", terminated)
            if truncated is not False:
                truncated = flag("truncated", truncated)
            try:
                put(memory, stride * e, reward, terminated, truncated)
            except struct.error:
                raise Refused(f"the reward is {one_line(repr(reward))[:60]}, no number") from None

    def save(self, e):
        return self.way.save(self.envs[e])

    def load(self, e, data):
        self.envs[e] = self.way.load(self.envs[e], data)

    def frame(self, e):
        """Height, width, and the picture (height, width, 3) that the copy draws of itself."""
        picture = numpy.asarray(self.envs[e].render())
        if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape or picture.dtype != numpy.uint8:
            raise Refused(f"render() returned {picture.dtype} of shape {picture.shape}, must be bytes of shape (height, width, 3)")
        return struct.pack("=II", *picture.shape[:2]) + picture.tobytes()


# ---- many at once: EnvPool


class EnvPool:
    """Pools, each of the copies that were asked for together, which step on threads of their own. A pool takes its seeds when it is
    made, at the first reset. It resets a copy when it is told to, as all copies here."""

    way = None  # a pool cannot be saved
    meanings = ()

    def __init__(self, name):
        self.name = name
        self.module = imported("envpool")
        self.pools = []  # [first copy, copies, pool or None]
        first = self.make(1, 0)
        self.spaces = Spaces(first.observation_space, first.action_space)
        self.spec = self.module.make_spec(name).config

    def make(self, copies, seed):
        asked = keywords(KEYWORDS)
        if int(LIMIT) >= 0:
            asked["max_episode_steps"] = int(LIMIT) or 2**31 - 1
        return self.module.make_gymnasium(self.name, num_envs=copies, seed=seed, **asked)

    def grow(self, copies):
        first = sum(pool[1] for pool in self.pools)
        self.pools.append([first, copies - first, None])

    def reset(self, records, which):
        for pool in self.pools:
            first, copies, made = pool
            own = [e for e in which if first <= e < first + copies]
            if own and made is None:
                pool[2] = self.make(copies, [int(seed) >> 1 for seed in records.seeds[first : first + copies]])
            if own:
                seen, info = pool[2].reset(numpy.asarray(own, dtype=numpy.int32) - first)
                for row, e in enumerate(info["env_id"]):
                    self.spaces.write(records.rows[first + e], seen[row])

    def step(self, records, which):
        for first, copies, pool in self.pools:
            own = numpy.asarray([e for e in which if first <= e < first + copies], dtype=numpy.int32)
            if not len(own):
                continue
            seen, rewards, terminated, truncated, info = pool.step(records.actions[own] + self.spaces.first_action, own - first)
            own = first + info["env_id"]
            for row, e in enumerate(own):
                self.spaces.write(records.rows[e], seen[row])
            records.rewards[own], records.terminated[own], records.truncated[own] = rewards, terminated, truncated


# ---- requests


class Records:
    """The memory as arrays over the copies."""

    def __init__(self, copies, shape):
        size = HEAD + 4 * int(numpy.prod(shape))
        self.stride = (size + 63) // 64 * 64
        self.memory = mmap.mmap(MEMORY, self.stride * copies)

        def column(dtype, offset, shape=(), strides=()):
            return numpy.ndarray((copies, *shape), dtype, self.memory, offset, (self.stride, *strides))

        self.rewards, self.seeds, self.actions = column("f8", 0), column("u4", 12), column("i4", 16)
        self.terminated, self.truncated = column("u1", 8), column("u1", 9)
        steps = [4 * int(numpy.prod(shape[i + 1 :])) for i in range(len(shape))]
        self.observations = column("f4", HEAD, shape, steps)
        self.rows = list(self.observations)


@functools.lru_cache(maxsize=64)
def request_of(line):
    """(command, numbers) of b"step 0 8": nearly all requests are the one before."""
    command, *numbers = line.decode().split()
    return command, [int(n) for n in numbers]


class Connection:
    def __init__(self):
        self.buffer = b""
        self.skip = self.skipped = 0
        poll = select.poll()
        poll.register(SOCKET, select.POLLIN)
        self.poll = poll.poll

    def line(self):
        while b"\n" not in self.buffer:
            self.read(1 << 12)
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line

    def bytes(self, count):
        while len(self.buffer) < count:
            self.read(1 << 20)
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def read(self, most):
        """`most` is also allocated: a page for a request."""
        self.spin()
        try:
            received = os.read(SOCKET, most)
        except ConnectionError:
            received = b""
        if not received:
            os._exit(0)  # the process that asks is gone
        self.buffer += received

    def spin(self):
        """A moment, as long as that pays: envs/process/socket_reader.h has the same rule."""
        self.skipped += 1
        if self.skipped <= self.skip:
            return
        until, poll = time.perf_counter() + MOMENT, self.poll
        while not (is_here := poll(0)) and time.perf_counter() < until:
            pass
        self.skip, self.skipped = 0 if is_here else min(2 * self.skip + 1, MOST_SKIPPED), 0

    @staticmethod
    def send(data):
        try:
            while data:
                data = data[os.write(SOCKET, data) :]
        except ConnectionError:
            os._exit(0)


def description(host):
    spaces, spec = host.spaces, host.spec
    threshold = getattr(spec, "reward_threshold", None)
    fields = [
        ",".join(map(str, spaces.shape)),
        spaces.num_actions,
        getattr(host, "own_limit", None) or getattr(spec, "max_episode_steps", None) or 0,
        "nan" if threshold is None else threshold,
        spaces.dtype,
        next((name for name, way in WAYS.items() if way is host.way), ""),
        ",".join(one_line(meaning).replace(",", " ") for meaning in host.meanings),
    ]
    return "\t".join(map(str, fields))


def serve(connection):
    kind, _, name = ID.partition(":")
    host = {"gymnasium": Gymnasium, "envpool": EnvPool}[kind](name)
    connection.send(f"ok {description(host)}\n".encode())
    gc.freeze()  # what was imported is looked at by no collection
    records = None
    while True:
        command, numbers = request_of(connection.line())
        data = b""
        try:
            if command == "step":
                host.step(records, range(*numbers))
            elif command == "step_each":
                host.step(records, numbers)
            elif command == "reset":
                host.reset(records, numbers)
            elif command == "grow":
                records = Records(numbers[0], host.spaces.shape)
                host.grow(numbers[0])
            elif command == "save":
                data = host.save(numbers[0])
            elif command == "frame":
                data = host.frame(numbers[0])
            elif command == "load":
                host.load(numbers[0], connection.bytes(numbers[1]))
        except BaseException as error:  # SystemExit of an environment is no reason to be silent
            connection.send(f"error {command}: {reason(error)}\n".encode(errors="replace"))
        else:
            connection.send(f"ok {len(data)}\n".encode() + data if data else b"ok\n")


def main():
    global numpy, gymnasium
    if PLACE != "first":
        import warnings

        warnings.simplefilter("ignore")  # the first worker has said them
    connection = Connection()
    try:
        numpy, gymnasium = imported("numpy"), imported("gymnasium")
        serve(connection)
    except BaseException as error:
        connection.send(f"error {reason(error)}\n".encode(errors="replace"))


main()
