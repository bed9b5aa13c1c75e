"""Seeds the bugs of tests/mutants one by one, and the named test of each must fail. Called by scripts/mutants.sh.

A file of tests/mutants is a list of entries, each of a few words that follow a key; a line that begins with blanks goes on
with the text of the line before it:

    ## Adam's bias correction counts a step too many
    file core/reference/optimizers.h
    old  std::pow(options.beta1, double(step))
    new  std::pow(options.beta1, double(step + 1))
    test core_reference_tests Adam's first step*

`in`, which may be missing, names sources: of all that include the file these alone are compiled anew.
`old` stands in the file exactly once, whatever blanks and line ends are between its words; `new` takes its place and may be
empty. `test` is a program and, in doctest's notation, the cases of which at least one must fail.

Nothing of the sources or of the build that it works with is changed: what a mutant needs is compiled from a changed copy
into a folder of its own and linked before the libraries of the unchanged program.
"""

import argparse
import concurrent.futures
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shlex
import sys
import threading
import time

from mutant_builds import Build, build_copy, run
from mutant_lists import BadList, changed, check_applies, read_all

MOST_OBJECTS = 40  # that a mutant may need: more means that its bug belongs into another file


def test_command(program, cases):
    # doctest parts its filters at commas.
    return f"{shlex.quote(str(program))} {shlex.quote('-tc=' + cases.replace(',', '?'))}"


def cases_run(output):
    match = re.search(r"test cases:\s*(\d+)", output)
    return int(match.group(1)) if match else 0


COMMAND_PROGRAMS = ("apps_command_tests", "apps_tools_tests", "apps_reliability_tests")  # which start the command


class Runner:
    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.baseline = {}
        self.lock = threading.Lock()
        self.command_lock = threading.Lock()

    def unchanged_seconds(self, mutant):
        """How long the test takes without the bug. Throws: BadList unless it passes."""
        key = (mutant.program, mutant.cases)
        with self.lock:
            if key in self.baseline:
                return self.baseline[key]
        start = time.monotonic()
        code, output = run(test_command(self.build.directory / "bin" / mutant.program, mutant.cases), self.folder, 600)
        seconds = time.monotonic() - start
        if cases_run(output) == 0:
            raise BadList(f"{mutant.area}: \"{mutant.name}\" names no case of {mutant.program} that exists: {mutant.cases}")
        if code != 0:
            raise BadList(f"{mutant.area}: the test of \"{mutant.name}\" fails without the bug:\n{output[-1500:]}")
        with self.lock:
            self.baseline[key] = seconds
        return seconds

    def judge(self, mutant):
        """(verdict, what to say about it): "noticed", "SURVIVED" or "ERROR"."""
        seconds = self.unchanged_seconds(mutant)
        here = self.folder / mutant.slug
        copy = here / "source"
        (copy / mutant.file).parent.mkdir(parents=True, exist_ok=True)
        original = self.build.source / mutant.file
        (copy / mutant.file).write_text(changed(original.read_text(encoding="utf-8"), mutant), encoding="utf-8")
        programs = [mutant.program]
        if mutant.program in COMMAND_PROGRAMS:
            programs.insert(0, "bellman")
        made, linked = {}, {}
        for program in programs:
            targets = self.build.objects(mutant, program)
            if len(targets) > MOST_OBJECTS:
                return "ERROR", f"{len(targets)} objects of {program} are made from {mutant.file}"
            for target in targets:
                if target in made:
                    continue
                made[target] = here / target.replace("/", "__")
                code, output = self.build.compile(target, mutant.file, copy, made[target])
                if code != 0:
                    return "ERROR", "does not compile:\n" + output[-1500:]
            if targets:
                linked[program] = here / program
                code, output = self.build.link_changed(program, {t: made[t] for t in targets}, linked[program])
                if code != 0:
                    return "ERROR", "does not link:\n" + output[-1500:]
        if not linked:
            return "ERROR", f"no object of {mutant.program} is made from {mutant.file}"
        result = self.test(mutant, linked, max(60.0, 20 * seconds))
        for path in list(made.values()) + list(linked.values()):
            path.unlink(missing_ok=True)
        return result

    def test(self, mutant, linked, limit):
        program = linked.get(mutant.program, self.build.directory / "bin" / mutant.program)
        command = test_command(program, mutant.cases)
        if "bellman" not in linked:
            code, output = run(command, self.folder, limit)
        else:  # the test starts the command by its path
            with self.command_lock:
                path, kept = self.build.directory / "bin" / "bellman", self.build.directory / "bin" / "bellman.unchanged"
                path.rename(kept)
                try:
                    os.link(linked["bellman"], path)
                    code, output = run(command, self.folder, limit)
                finally:
                    kept.replace(path)
        (self.folder / mutant.slug / "output.txt").write_text(output, encoding="utf-8")
        if code is None:
            return "noticed", "by not coming to an end"
        if code == 0:
            return "SURVIVED", f"{cases_run(output)} cases passed"
        failed = re.search(r"\|\s*(\d+) failed", output)
        return "noticed", f"{failed.group(1)} of {cases_run(output)} cases failed" if failed else f"exit code {code}"


def fingerprint(source, mutant):
    """What a verdict is about: the entry, and the file that it changes."""
    text = (source / mutant.file).read_bytes() if (source / mutant.file).is_file() else b""
    return hashlib.sha256(repr(dataclasses.astuple(mutant)).encode() + text).hexdigest()[:16]


def summary(mutants, verdicts):
    """A line a list and one for all: (text, how many were not noticed)."""
    lines = [f"{'':10} {'mutants':>8} {'noticed':>8} {'survived':>9} {'errors':>7}"]
    bad = 0
    for area in sorted({m.area for m in mutants}) + [None]:
        chosen = [verdicts[m.slug]["verdict"] for m in mutants if area in (None, m.area)]
        noticed, survived = chosen.count("noticed"), chosen.count("SURVIVED")
        errors = len(chosen) - noticed - survived
        lines.append(f"{area or 'all':10} {len(chosen):8} {noticed:8} {survived:9} {errors:7}")
        bad = survived + errors
    return "\n".join(lines), bad


class Verdicts:
    """What came of each mutant, kept in a file from one to the next, so that a run that ends early goes on later."""

    def __init__(self, path):
        self.path = path
        self.of = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        self.lock = threading.Lock()
        self.done = 0

    def is_noticed(self, mutant, print_id):
        before = self.of.get(mutant.slug)
        return before is not None and before["of"] == print_id and before["verdict"] == "noticed"

    def add(self, mutant, print_id, verdict, words, remark, count):
        with self.lock:
            self.done += 1
            self.of[mutant.slug] = {"of": print_id, "verdict": verdict, "words": words}
            fresh = self.path.with_suffix(".new")
            fresh.write_text(json.dumps(self.of, indent=1), encoding="utf-8")
            fresh.replace(self.path)
            print(f"{self.done:4}/{count} {verdict:8} {remark}  {mutant.area}: {mutant.name}: {words}", flush=True)


def try_all(mutants, runner, verdicts, again, jobs):
    def one(mutant):
        print_id = fingerprint(runner.build.source, mutant)
        if not again and verdicts.is_noticed(mutant, print_id):
            return verdicts.add(mutant, print_id, "noticed", verdicts.of[mutant.slug]["words"], "  before", len(mutants))
        start = time.monotonic()
        try:
            verdict, words = runner.judge(mutant)
        except BadList as error:
            verdict, words = "ERROR", str(error)
        verdicts.add(mutant, print_id, verdict, words, f"{time.monotonic() - start:6.1f} s", len(mutants))

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        try:
            for future in [pool.submit(one, mutant) for mutant in mutants]:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)  # those under way come to their end
            raise


def read_options():
    parser = argparse.ArgumentParser(prog="mutants.sh")
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    return parser.parse_args()


def main():
    options = read_options()
    source = pathlib.Path(__file__).resolve().parents[2]
    mutants = [m for m in read_all(source)
               if any(options.only in text for text in (m.slug, m.name, m.area, m.file, m.program))]
    if not mutants:
        raise BadList(f"no mutant has \"{options.only}\" in its name, list, file or program")
    for mutant in mutants:
        check_applies(source, mutant)
    if options.list:
        for mutant in mutants:
            print(f"{mutant.area:6} {mutant.name}: {mutant.file}, {mutant.program}: {mutant.cases}")
        print(f"{len(mutants)} mutants; each applies")
        return 0

    folder = source / "build" / "mutants"
    folder.mkdir(parents=True, exist_ok=True)
    programs = {m.program for m in mutants}
    if not programs.isdisjoint(COMMAND_PROGRAMS):
        programs.add("bellman")
    build = Build((options.build or build_copy(source, folder, sorted(programs))).resolve())
    verdicts = Verdicts(folder / "verdicts.json")
    try_all(mutants, Runner(build, folder), verdicts, options.again, options.jobs)
    text, bad = summary(mutants, verdicts.of)
    print(text)
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BadList as error:
        print(f"mutants.sh: {error}", file=sys.stderr)
        sys.exit(2)
