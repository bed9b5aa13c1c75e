"""Which state of the project this is."""

import hashlib
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def git(*arguments):
    """Empty without git, or where this is no checkout of its."""
    try:
        done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True)
    except OSError:
        return b""
    return done.stdout.strip() if done.returncode == 0 else b""


def commit():
    """Its name, and with what is changed since then a sum over the changes: other changes are another state."""
    name, changes = git("rev-parse", "HEAD").decode(), git("diff", "HEAD")
    if not name:
        return "unknown"
    return f"{name}, changed ({hashlib.sha256(changes).hexdigest()[:8]})" if changes else name
