"""A part's progress on disk: after any interruption the next start finds the steps with a result."""

import datetime
import json
import os
import tarfile

import bench_modules  # noqa: F401  (finds scripts/bench)
from records import write_whole

RESULTS = ("ok", "failed")  # of a step; "skipped" and "cut" are none: such a step is tried again


def now():
    return datetime.datetime.now(datetime.timezone.utc)


class Progress:
    """The steps of one part. `subject`: the tested commit, GPU and programs; results of another subject are moved aside."""

    def __init__(self, folder, subject):
        """Only reads."""
        self.folder, self.state_path = folder, folder / "progress.json"
        try:
            self.state = json.loads(self.state_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.state = None
        self.of_another = self.state is not None and self.state["subject"] != subject
        if not self.state or self.of_another:
            self.state = {"subject": subject, "name": None, "seconds": 0, "steps": {}}

    def open(self):
        """Makes the folder. Results of another subject are renamed."""
        if self.of_another:
            os.replace(self.folder, self.folder.with_name(f"{self.folder.name}-before-{now():%Y-%m-%d-%H%M%S-%f}"))
            self.of_another = False
        self.folder.mkdir(parents=True, exist_ok=True)

    def forget(self, steps):
        """These steps are repeated, for a record of their own."""
        self.state.update(name=None, seconds=0)
        for step in steps:
            self.state["steps"].pop(step, None)
        self.save()

    def has_result(self, step):
        return self.state["steps"].get(step, {}).get("outcome") in RESULTS

    def outcome(self, step):
        return self.state["steps"].get(step, {}).get("outcome")

    def record(self, step, outcome, seconds, detail, clock):
        self.state["steps"][step] = {"outcome": outcome, "seconds": round(seconds, 1), "detail": detail, "clock": clock,
                                     "at": now().isoformat(timespec="seconds")}
        self.save()

    def save(self):
        write_whole(self.state_path, json.dumps(self.state, indent=1) + "\n")

    def name(self, gpu, part, folders):
        """The name of this run's record, which is new in all folders. It ends in the part, also for a second one of the
        same second, so that *-PART.json finds all records of a part."""
        if not self.state["name"]:
            time, number = f"{now():%Y-%m-%d-%H%M%S}", 1
            name = f"{time}-{gpu}-{part}"
            while not all(reserve(folder / f"{name}.json") for folder in folders):
                number += 1
                name = f"{time}-{number}-{gpu}-{part}"
            self.state["name"] = name
            self.save()
        return self.state["name"]

    def pack_logs(self, path):
        """The steps' output, and the clock's samples."""
        partial = path.with_name(path.name + ".part")
        with tarfile.open(partial, "w:xz") as archive:
            for log in sorted([*self.folder.glob("*.log"), *self.folder.glob("*.csv"), *self.folder.glob("*.json")]):
                archive.add(log, arcname=f"{self.state['name']}/{log.name}")
        os.replace(partial, path)


def reserve(path):
    """Makes the file; False if it exists already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.open("x").close()
        return True
    except FileExistsError:
        return False
