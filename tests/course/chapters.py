"""The pages of docs/course as data: console blocks with the output they promise, pictures, and the parts each chapter has."""

import math
import pathlib
import re
import shlex

COURSE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "course"
PICTURE = re.compile(r"^Made by `(bellman [^`]*--picture (images/[\w.-]+\.svg))`( \(exact\))?\.$", re.MULTILINE)
BLOCK = re.compile(r"^```console(?: within ([\d.]+) %)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?(?![\w.]*\w)")


class Command:
    """A command of a console block, the output that the page promises, and how far its numbers may be off."""

    def __init__(self, line, expected, within):
        self.words = shlex.split(line)
        self.line, self.expected, self.within = line, expected, within


def chapter_pages():
    return sorted(COURSE.glob("[0-9][0-9]-*.md"))


def commands(text):
    """Those of all console blocks. "```console within 5 %" allows numbers to differ by that part of their size: results of
    training, which another processor rounds otherwise."""
    found = []
    for block in BLOCK.finditer(text):
        within = float(block[1]) / 100 if block[1] else 0
        for line in block[2].splitlines():
            if line.startswith("$ "):
                found.append(Command(line[2:], [], within))
            else:
                found[-1].expected.append(line)
    return found


def pictures(text):
    """(command, file, whether every number in it repeats) of each picture."""
    return [(match[1], match[2], bool(match[3])) for match in PICTURE.finditer(text)]


def split_numbers(line):
    """The words of a line without its numbers, and the numbers."""
    return NUMBER.sub("#", line).split(), [float(number) for number in NUMBER.findall(line)]


def differences(expected, printed, within):
    """What differs, as lines; none if all is as promised. An expected line of "..." stands for any lines. Numbers may be off
    by one in the last of four digits and by `within` of their size."""
    complaints, at = [], 0
    printed = [line.rstrip() for line in printed]
    for number, line in enumerate(expected):
        if line == "...":
            following = expected[number + 1] if number + 1 < len(expected) else None
            while at < len(printed) and not (following is not None and same(following, printed[at], within)):
                at += 1
            continue
        if at >= len(printed):
            complaints.append(f"promised, and not printed: {line}")
        elif not same(line, printed[at], within):
            complaints.append(f"promised: {line}\nprinted:  {printed[at]}")
        at += 1
    complaints += [f"printed, and not promised: {line}" for line in printed[at:]]
    return complaints


def same_trainings(expected, printed):
    """Whether both have the same line "returns": mean and deviation of hundreds of trainings, which another processor rounds
    otherwise. All that chapter 12 draws from equal returns is equal, too."""
    pages, ours = ([line for line in lines if line.startswith("returns ")] for lines in (expected, printed))
    return bool(pages) and len(pages) == len(ours) and all(same(a, b, 0) for a, b in zip(pages, ours))


def same(expected, printed, within):
    (words, numbers), (other_words, other_numbers) = split_numbers(expected.rstrip()), split_numbers(printed)
    return words == other_words and len(numbers) == len(other_numbers) and all(
        math.isclose(a, b, rel_tol=max(within, 1.1e-3), abs_tol=1e-9) for a, b in zip(numbers, other_numbers))
