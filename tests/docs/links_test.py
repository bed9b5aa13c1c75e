"""What the pages point at exists: links, headings behind a #, and the files that they name in `backticks`. A folder's list
of pages names all of them.

    python3 tests/docs/links_test.py
"""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*?) *$", re.MULTILINE)
FOLDERS = [".github", "apps", "bench", "cmake", "core", "cuda", "docs", "envs", "examples", "python", "rl", "scripts",
           "tests"]
# `core/cpu/dense.cpp`, `core/cpu/`; not a pattern such as `cuda/ops/*.cu`, nor a program that a build makes
NAMED_FILE = re.compile(r"`((?:" + "|".join(map(re.escape, FOLDERS)) + r")/(?:[\w./-]*\.\w+|(?:[\w.-]+/)*))`")


def pages():
    found = list(ROOT.glob("*.md"))
    for folder in FOLDERS:
        found += (ROOT / folder).rglob("*.md")
    return sorted(found)


def anchors(text):
    """The names that GitHub gives to a page's headings."""
    names = set()
    for heading in HEADING.findall(FENCED.sub("", text)):
        name = re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "]", heading)).lower().replace(" ", "-")
        number, plain = 0, name
        while name in names:
            number += 1
            name = f"{plain}-{number}"
        names.add(name)
    return names


def complaints(page, text):
    """A line for everything that the text of `page` points at and that does not exist."""
    wrong = []
    for target in LINK.findall(FENCED.sub("", text)):
        if "://" in target or target.startswith("mailto:"):
            continue
        file, _, anchor = target.partition("#")
        other = page.parent / file if file else page
        if not other.exists():
            wrong.append(f"{page.name}: there is no {file}")
        elif anchor and anchor not in anchors(other.read_text() if file else text):
            wrong.append(f"{page.name}: no heading of {other.name} is #{anchor}")
    wrong += [f"{page.name}: there is no {file}" for file in NAMED_FILE.findall(text) if not (ROOT / file).exists()]
    return wrong


class Links(unittest.TestCase):
    def test_nothing_points_nowhere(self):
        found = pages()
        self.assertIn(ROOT / "README.md", found)
        self.assertIn(ROOT / "docs/backprop/dense.md", found)
        for page in found:
            with self.subTest(page=page.relative_to(ROOT)):
                self.assertEqual(complaints(page, page.read_text()), [])

    def test_a_list_of_pages_names_all_of_them(self):
        lists = [page for page in pages() if page.name == "README.md" and ROOT / "docs" in page.parents]
        self.assertGreaterEqual(len(lists), 2)
        for page in lists:
            with self.subTest(page=page.relative_to(ROOT)):
                beside = {other.name for other in page.parent.glob("*.md")} - {page.name}
                self.assertEqual(beside - set(LINK.findall(page.read_text())), set())

    def test_a_wrong_page_is_noticed(self):
        page = ROOT / "docs" / "dqn.md"
        right = "# A `b`, c\n[x](backprop/dense.md) [y](#a-b-c) `core/reference/` `core/reference/layers.h` `cuda/ops/*.cu`\n"
        self.assertEqual(complaints(page, right + "[z](https://example.com/none) ```\n"), [])
        for wrong in ("[x](backprop/none.md)", "[y](#a-b)", "[y](backprop/dense.md#none)", "`core/none.h`", "`core/none/`"):
            self.assertEqual(len(complaints(page, right + wrong)), 1, wrong)


if __name__ == "__main__":
    unittest.main()
