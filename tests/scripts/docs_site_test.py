"""The documentation's site: links lead where they should, and what is wrong is named."""

import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"  # where the system's package python3-markdown-it is


def can_read_markdown():
    return pathlib.Path(PYTHON).exists() and subprocess.run([PYTHON, "-c", "import markdown_it"], capture_output=True).returncode == 0


@unittest.skipUnless(can_read_markdown(), "python3-markdown-it is not installed")
class DocsSiteTest(unittest.TestCase):
    def make(self, pages):
        """(exit code, what was printed, folder of the site) of a tree with these files."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        root = pathlib.Path(folder.name)
        for name, text in pages.items():
            path = root / "tree" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        done = subprocess.run([PYTHON, ROOT / "scripts/site/make_site.py", "--root", root / "tree", "--output", root / "site"],
                              capture_output=True, text=True)
        return done.returncode, done.stderr, root / "site"

    def test_links_reach_pages_sources_folders_and_pictures(self):
        code, printed, site = self.make({
            "docs/README.md": "# Start\n\n[page](course/one.md#a-part) [code](../src/a.h) [all](../src/) ![p](p.svg) `src/a.h` `build/b.h`\n",
            "docs/course/one.md": "# One\n\n## A part\n\n[back](../README.md) [here](#a-part) <details><summary>x</summary>\n\n**y**\n\n</details>\n",
            "docs/p.svg": "<svg/>", "src/a.h": "int a < b;\n", "build/b.h": ""})
        self.assertEqual((code, printed), (0, ""))
        start = (site / "index.html").read_text()
        for link in ('href="docs/course/one.html#a-part"', 'href="src/a.h.html"', 'href="src/index.html"', 'src="docs/p.svg"',
                     '<a href="src/a.h.html"><code>src/a.h</code></a>'):
            self.assertIn(link, start)
        self.assertNotIn("b.h.html", start)
        page = (site / "docs/course/one.html").read_text()
        self.assertIn('href="../../index.html"', page)
        self.assertIn('href="#a-part"', page)
        self.assertIn("<strong>y</strong>", page)
        self.assertIn("int a &lt; b;", (site / "src/a.h.html").read_text())
        self.assertTrue((site / "docs/p.svg").exists())

    def test_what_is_wrong_is_named_and_fails(self):
        for wrong, complaint in ((["[x](gone.md)"], "docs/README.md: there is no gone.md"),
                                 (["![x](gone.svg)"], "docs/README.md: there is no gone.svg"),
                                 (["[x](#gone)"], "docs/README.md: docs/README.md has no heading #gone"),
                                 (["[x](../../outside.md)"], "docs/README.md: there is no ../../outside.md")):
            code, printed, _ = self.make({"docs/README.md": "# Start\n\n" + wrong[0] + "\n"})
            self.assertEqual((code, printed.strip()), (1, complaint))

    def test_a_page_that_nothing_links_to_is_named(self):
        code, printed, _ = self.make({"docs/README.md": "# Start\n", "docs/lonely.md": "# Lonely\n"})
        self.assertEqual((code, printed.strip()), (1, "docs/lonely.md: no page links to it"))

    def test_headings_have_the_anchors_that_github_gives_them(self):
        code, printed, _ = self.make({"docs/README.md": "# Why `this`, and a β?\n\n# Twice\n\n# Twice\n\n"
                                                        "[a](#why-this-and-a-β) [b](#twice-1)\n"})
        self.assertEqual((code, printed), (0, ""))

    def test_this_repositorys_pages_are_sound(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([PYTHON, ROOT / "scripts/site/make_site.py", "--root", ROOT, "--output", pathlib.Path(folder, "site")],
                                  capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
