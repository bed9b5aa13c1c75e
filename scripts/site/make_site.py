"""The documentation as a site that a browser reads without a network:

    /usr/bin/python3 scripts/site/make_site.py --root . --output build/docs/site

Every page of docs/, and what the pages link to: other pages, folders, and source files as text. Whatever a link names must
be there; all that is wrong is printed, one line each, and the exit code is then 1. Needs Debian's python3-markdown-it,
which reads Markdown as CommonMark says, so pages look as they do on GitHub.
"""

import argparse
import html
import os
import pathlib
import re
import shutil
import sys
import urllib.parse

from markdown_it import MarkdownIt

INDEX = "docs/README.md"
NAVIGATION = [("Documentation", INDEX), ("Course", "docs/course/README.md"), ("Backpropagation", "docs/backprop/README.md"),
              ("DQN beside its code", "docs/dqn.md"), ("See inside", "docs/inside.md"), ("For research", "docs/research.md"),
              ("Glossary", "docs/course/glossary.md"),
              ("README", "README.md")]
PICTURES = {".svg", ".png", ".gif", ".jpg"}


def slug(heading):
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


class Site:
    """Makes pages as links reach them, and collects what is wrong."""

    def __init__(self, root, output):
        self.root, self.output = root.resolve(), output
        self.markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
        self.wrong, self.waiting, self.made, self.linked, self.anchors = [], [], set(), set(), {}
        self.checks = []  # (page, target, anchor), once all pages are made

    # ---- paths: all relative to the root, with "/"

    def place(self, path):
        """Where the site has what lies at this path of the repository."""
        if path == INDEX:
            return "index.html"
        if (self.root / path).is_dir():
            return f"{path}/index.html"
        if path.endswith(".md"):
            return path[:-len(".md")] + ".html"
        return path if pathlib.PurePath(path).suffix in PICTURES else path + ".html"

    def href(self, page, path):
        return os.path.relpath(self.place(path), os.path.dirname(self.place(page)) or ".")

    def want(self, path):
        if path not in self.made:
            self.made.add(path)
            self.waiting.append(path)

    # ---- pages

    def make(self):
        self.want(INDEX)
        for page in sorted((self.root / "docs").rglob("*.md")):
            path = page.relative_to(self.root).as_posix()
            if path != "docs/api.md":  # the first page of the API reference
                self.want(path)
        while self.waiting:
            path = self.waiting.pop()
            if (self.root / path).is_dir():
                self.write(path, path + "/", self.folder(path))
            elif path.endswith(".md"):
                self.write(path, *self.page(path))
            elif pathlib.PurePath(path).suffix in PICTURES:
                target = self.output / path
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(self.root / path, target)
            else:
                self.write(path, path, self.source(path))
        for page, target, anchor in self.checks:
            if anchor not in self.anchors.get(target, set()):
                self.wrong.append(f"{page}: {target} has no heading #{anchor}")
        for path in sorted(self.made - self.linked - {INDEX}):
            if path.endswith(".md"):
                self.wrong.append(f"{path}: no page links to it")
        return self.wrong

    def page(self, path):
        """(title, HTML) of a Markdown file."""
        tokens = self.markdown.parse((self.root / path).read_text(encoding="utf-8"))
        title, anchors = path, self.anchors.setdefault(path, set())
        for number, token in enumerate(tokens):
            if token.type == "heading_open":
                text = "".join(part.content for part in tokens[number + 1].children or [])
                name, base, again = slug(text), slug(text), 0
                while name in anchors:
                    again += 1
                    name = f"{base}-{again}"
                anchors.add(name)
                token.attrSet("id", name)
                title = text if token.tag == "h1" and title == path else title
            for part in token.children or []:
                self.link(path, part)
        return title, self.markdown.renderer.render(tokens, self.markdown.options, {})

    def link(self, page, part):
        """Makes one piece of text point to where the site has its target."""
        if part.type == "code_inline" and self.is_source(part.content):
            self.want(part.content)
            part.type, part.tag = "html_inline", ""
            part.content = f'<a href="{self.href(page, part.content)}"><code>{html.escape(part.content)}</code></a>'
            return
        attribute = {"link_open": "href", "image": "src"}.get(part.type)
        if not attribute:
            for inner in part.children or []:
                self.link(page, inner)
            return
        target, _, anchor = urllib.parse.unquote(str(part.attrGet(attribute))).partition("#")
        if re.match(r"[a-z]+:", target):
            return
        path = os.path.normpath(os.path.join(os.path.dirname(page), target)) if target else page
        if path.startswith("..") or not (self.root / path).exists():
            self.wrong.append(f"{page}: there is no {target}")
            return
        if path != page:
            self.linked.add(path)
        self.want(path)
        if anchor and path.endswith(".md"):
            self.checks.append((page, path, anchor))
        part.attrSet(attribute, (self.href(page, path) if target else "") + (f"#{anchor}" if anchor else ""))

    def is_source(self, text):
        """Whether text between backquotes is the path of a file that belongs to the repository."""
        return re.fullmatch(r"\w[\w./-]*/[\w.-]+", text) is not None and not text.startswith("build/") and (self.root / text).is_file()

    def source(self, path):
        """A file's text; line n has the id Ln."""
        try:
            lines = (self.root / path).read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            return f"<h1>{html.escape(path)}</h1><p>Not text.</p>"
        rows = "\n".join(f'<span id="L{n}">{html.escape(line)}</span>' for n, line in enumerate(lines, 1))
        return f'<h1>{html.escape(path)}</h1><pre class="source">{rows}</pre>'

    def folder(self, path):
        entries = []
        for entry in sorted((self.root / path).iterdir()):
            inside = entry.relative_to(self.root).as_posix()
            if entry.name.startswith((".", "__")):
                continue
            self.linked.add(inside)
            self.want(inside)
            entries.append(f'<li><a href="{self.href(path, inside)}">{html.escape(entry.name)}</a></li>')
        return f"<h1>{html.escape(path)}/</h1><ul>{''.join(entries)}</ul>"

    def write(self, path, title, body):
        links = []
        for name, target in NAVIGATION:
            if (self.root / target).exists():
                self.linked.add(target)
                self.want(target)
                links.append(f'<a href="{self.href(path, target)}">{name}</a>')
        wide = "" if path.endswith(".md") else ' class="wide"'
        place = self.output / self.place(path)
        up = os.path.relpath(self.output, place.parent)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(
            f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f'<title>{html.escape(title)}</title><link rel="stylesheet" href="{up}/site.css"></head><body>\n'
            f'<nav>{"".join(links)}<a href="{up}/../html/index.html">API</a></nav>\n<main{wide}>\n{body}</main></body></html>\n',
            encoding="utf-8")


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    options = parser.parse_args(arguments)
    shutil.rmtree(options.output, ignore_errors=True)
    options.output.mkdir(parents=True)
    shutil.copy(pathlib.Path(__file__).with_name("site.css"), options.output / "site.css")
    wrong = Site(options.root, options.output).make()
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
