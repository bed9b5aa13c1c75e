"""Reads the lists of seeded bugs; mutants.py describes their format."""

import dataclasses
import re

KEYS = ("file", "old", "new", "test", "in")


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str
    area: str  # the list that it stands in
    file: str
    old: str
    new: str
    program: str
    cases: str
    only_in: str

    @property
    def slug(self):
        return self.area + "-" + re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


class BadList(Exception):
    """A list, or an entry of one, that is not as it must be."""


def parse(text, area):
    """The mutants of a list's text."""
    mutants = []
    fields = {}
    name = key = None

    def finish(line):
        if name is None:
            return
        missing = [k for k in KEYS if k not in fields and k != "in"]
        if missing:
            raise BadList(f"{area}: the entry before line {line}, \"{name}\", has no `{missing[0]}`")
        program, _, cases = fields["test"].partition(" ")
        if not cases:
            raise BadList(f"{area}: \"{name}\" names no case of {program}")
        mutants.append(Mutant(name, area, fields["file"], fields["old"], fields["new"], program, cases.strip(),
                              fields.get("in", "")))

    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if line.startswith("## "):
            finish(number)
            name, fields, key = line[3:].strip(), {}, None
        elif line[:1] in (" ", "\t") and key is not None:
            fields[key] = (fields[key] + " " + line.strip()).strip()
        elif not line.strip() or line.startswith("#"):
            continue
        else:
            key, _, value = line.partition(" ")
            if name is None or key not in KEYS or key in fields:
                raise BadList(f"{area}: line {number} is no part of an entry: {line}")
            fields[key] = value.strip()
    finish(len(lines) + 1)
    return mutants


def read_all(source):
    """The mutants of all lists, each name once. Throws: BadList."""
    mutants = []
    for path in sorted((source / "tests" / "mutants").glob("*.txt")):
        mutants += parse(path.read_text(encoding="utf-8"), path.stem)
    seen = set()
    for mutant in mutants:
        if mutant.slug in seen:
            raise BadList(f"two mutants are called \"{mutant.name}\"")
        seen.add(mutant.slug)
    return mutants


def changed(text, mutant):
    """The text with the bug in it. Throws: BadList unless `old` stands there exactly once."""
    words = [re.escape(word) for word in mutant.old.split()]
    places = list(re.finditer(r"\s+".join(words), text)) if words else []
    if len(places) != 1:
        raise BadList(f"{mutant.area}: \"{mutant.name}\" does not apply any more: its text stands {len(places)} times in {mutant.file}")
    return text[: places[0].start()] + mutant.new + text[places[0].end() :]


def check_applies(source, mutant):
    path = source / mutant.file
    if not path.is_file():
        raise BadList(f"{mutant.area}: \"{mutant.name}\" does not apply any more: there is no file {mutant.file}")
    text = path.read_text(encoding="utf-8")
    if changed(text, mutant) == text:
        raise BadList(f"{mutant.area}: \"{mutant.name}\" changes nothing")
