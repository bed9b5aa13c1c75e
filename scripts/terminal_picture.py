"""Runs a command on a terminal of its own and draws its output as an SVG.

python3 scripts/terminal_picture.py OUT.svg COMMAND [ARGS...]
"""

import fcntl
import html
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import termios

COLUMNS, ROWS = 118, 40


def run_on_terminal(command):
    """The command's output on a terminal of COLUMNS x ROWS."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True)
    os.close(theirs)
    output = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # the terminal closes with its last user
            break
        if not chunk:
            break
        output += chunk
    if process.wait() != 0:
        raise SystemExit(f"{' '.join(command)} failed")
    return output.decode()


def lines_shown(output):
    """The lines that stay on the screen: the last version of a line that carriage returns overwrote."""
    output = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output).replace("\r\n", "\n")
    for line in output.split("\n"):
        versions = [version for version in line.split("\r") if version.strip()]
        text = versions[-1].rstrip() if versions else ""
        while len(text) > COLUMNS:
            yield text[:COLUMNS]
            text = text[COLUMNS:]
        yield text


def svg(lines):
    width, step, margin = 8.4, 19, 16
    box = (COLUMNS * width + 2 * margin, len(lines) * step + 2 * margin)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {box[0]:.0f} {box[1]:.0f}" font-family="ui-monospace, DejaVu Sans Mono, Menlo, '
           f'Consolas, monospace" font-size="14">', f'<rect width="100%" height="100%" rx="8" fill="#1d2330"/>']
    for i, line in enumerate(lines):
        colour = "#8fd694" if line.startswith(("$", "Solved")) else "#dfe4ee"
        out.append(f'<text x="{margin}" y="{margin + (i + 0.75) * step:.1f}" fill="{colour}" xml:space="preserve">{html.escape(line)}</text>')
    return "\n".join(out + ["</svg>", ""])


def main():
    out, command = sys.argv[1], sys.argv[2:]
    lines = ["$ " + " ".join(command), ""] + list(lines_shown(run_on_terminal(command)))
    while lines and not lines[-1]:
        lines.pop()
    pathlib.Path(out).write_text(svg(lines))


main()
