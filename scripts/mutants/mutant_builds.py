"""An unchanged build, and how one source of it is compiled from a changed copy and linked with the rest."""

import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading

from mutant_lists import BadList

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
from unity import sources_in


def run(command, directory, seconds=None):
    """(exit code, output) of a shell command; the code is None when it took longer than that."""
    process = subprocess.Popen(command, shell=True, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
    try:
        output, _ = process.communicate(timeout=seconds)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return None, process.communicate()[0]
    except BaseException:  # Ctrl-C reaches no process of another session
        os.killpg(process.pid, signal.SIGKILL)
        raise


def copy_sources(source, copy):
    """Makes `copy` what git has of the source, new files too. What did not change keeps its time, and is not compiled again."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=source, check=True, capture_output=True)
    names = {name for name in listed.stdout.decode().split("\0") if name and (source / name).is_file()}
    for path in [p for p in copy.rglob("*") if p.is_file() and str(p.relative_to(copy)) not in names]:
        path.unlink()
    for name in names:
        old, new = copy / name, (source / name).read_bytes()
        if not old.is_file() or old.read_bytes() != new:
            old.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / name, old)


def build_copy(source, folder, programs):
    """The build of a copy of the sources. Throws: BadList."""
    copy_sources(source, folder / "source")
    configure = ["cmake", "-S", folder / "source", "-B", folder / "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                 "-DBELLMAN_CUDA=OFF"]
    if shutil.which("ccache"):
        configure.append("-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")
    for command in (configure, ["cmake", "--build", folder / "build", "--target", *programs]):
        code, output = run(shlex.join(map(str, command)), source)
        if code != 0:
            raise BadList(f"building the copy in {folder} failed:\n{output[-3000:]}")
    return folder / "build"


class Build:
    """An unchanged build, made with Ninja."""

    def __init__(self, directory):
        self.directory = directory
        cache = (directory / "CMakeCache.txt").read_text(encoding="utf-8")
        self.source = pathlib.Path(re.search(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$", cache, re.M).group(1))
        self.commands = {}  # {object: (how it is compiled, the file that the compiler gets)}
        self.sources = {}  # {object: its source, or all sources of a file of CMake's unity build}
        for entry in json.loads((directory / "compile_commands.json").read_text(encoding="utf-8")):
            words = shlex.split(entry["command"])
            target = words[words.index("-o") + 1]
            self.commands[target] = (entry["command"], entry["file"])
            self.sources[target] = sources_in(pathlib.Path(entry["file"]))
        self.archives = self.read_archives()
        self.links = {}
        self.lock = threading.Lock()
        self.users = self.read_users()

    def read_users(self):
        """Of a file of the project: the objects that are made from it."""
        users = {}
        _, text = run("ninja -t deps", self.directory)
        prefix = str(self.source) + "/"
        target = None
        for line in text.splitlines():
            if line and line[0] != " ":
                target = line.split(":")[0]
            elif line.strip().startswith(prefix):
                users.setdefault(line.strip()[len(prefix) :], []).append(target)
        return users

    def read_archives(self):
        """{object: the static libraries that it is in}. An object library's are in the one that takes them."""
        archives = {}
        for archive, inputs in re.findall(r"^build (\S+\.a): (?:\S*STATIC_LIBRARY\S*) ([^|\n]*)",
                                          (self.directory / "build.ninja").read_text(encoding="utf-8"), re.M):
            for target in inputs.split():
                archives.setdefault(target, []).append(archive)
        return archives

    def link(self, program):
        """The command that links a program."""
        with self.lock:
            if program not in self.links:
                code, text = run(f"ninja -t commands -s bin/{program}", self.directory)
                if code != 0:
                    raise BadList(f"there is no program {program} in {self.directory}: {text.strip()}")
                self.links[program] = text.strip()
            return self.links[program]

    def objects(self, mutant, program):
        """The objects of the program that are made from the mutant's file."""
        words = set(self.link(program).split())
        found = []
        for target in self.users.get(mutant.file, []):
            only_in = {str(self.source / name) for name in mutant.only_in.split()}
            if only_in and only_in.isdisjoint(self.sources[target]):
                continue
            if target in words or not words.isdisjoint(self.archives.get(target, [])):
                found.append(target)
        return found

    def compile(self, target, file, copy, out):
        """Compiles an object from sources among which `copy` stands for `file`. `out`: the object, in a folder with it."""
        command, main = self.commands[target]
        command = command.replace(f"-o {target}", f"-o {out}")
        source = str(self.source / file)
        if main == source:
            command = command.replace(f"-c {main}", f"-c {copy / file}")
        elif source in self.sources[target]:
            together = out.with_suffix(".cxx")
            text = pathlib.Path(main).read_text(encoding="utf-8")
            together.write_text(text.replace(f'#include "{source}"', f'#include "{copy / file}"'), encoding="utf-8")
            command = command.replace(f"-c {main}", f"-c {together}")
        compiler, rest = re.match(r"((?:\S*ccache )?\S+) (.*)", command).groups()
        return run(f"{compiler} -I{copy} {rest}", self.directory)

    def link_changed(self, program, objects, out):
        """Links a program with other objects: {object: the one that takes its place}."""
        command = self.link(program)
        inside = []
        for target, changed_object in objects.items():
            if f" {target} " in command:
                command = command.replace(f" {target} ", f" {changed_object} ")
            else:
                inside.append(str(changed_object))
        place = command.index(f" -o bin/{program}")
        command = command[:place] + command[place:].replace(f"-o bin/{program}", f"-o {out}")
        # Before all others: of an inline function the linker takes the first it meets.
        first = re.search(r" \S+\.o ", command).start()
        command = command[:first] + " " + " ".join(inside) + command[first:]
        return run(command, self.directory)
