"""Names the state of the checkout."""

import hashlib
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def git(*arguments):
    """Its output; empty without git, or outside of a checkout."""
    try:
        done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True)
    except OSError:
        return b""
    return done.stdout.strip() if done.returncode == 0 else b""


def commit():
    """The commit's name and, with uncommitted changes, a hash over them: other changes are another state."""
    name, changes = git("rev-parse", "HEAD").decode(), git("diff", "HEAD")
    if not name:
        return "unknown"
    return f"{name}, changed ({hashlib.sha256(changes).hexdigest()[:8]})" if changes else name


def short_commit():
    """The commit's short name, and whether there are uncommitted changes; None without git."""
    name = git("rev-parse", "--short", "HEAD").decode()
    changed = git("status", "--porcelain", "--untracked-files=no")
    return f"{name}{' and changes' if changed else ''}" if name else None
