"""scripts/train.sh in a checkout whose tools are stand-ins: where it runs the command, and by which path."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"


class TrainScript(unittest.TestCase):
    def setUp(self):
        self.top = tempfile.TemporaryDirectory()
        self.checkout = pathlib.Path(os.path.realpath(self.top.name)) / "my checkout"
        (self.checkout / "scripts").mkdir(parents=True)
        for name in ("train.sh", "setup.sh"):
            shutil.copy(SCRIPTS / name, self.checkout / "scripts")
        self.tools = self.checkout / "tools"
        # cat stands in for the command: it reads what its arguments name, and complains under the name it was called by.
        self.command = self.checkout / "build/release/bin/bellman"
        self.command.parent.mkdir(parents=True)
        self.command.symlink_to(shutil.which("cat"))
        self.executable(self.tools / "dpkg-query", "#!/bin/sh\necho installed\n")
        for name in ("apt-get", "cmake"):
            self.executable(self.tools / name, "#!/bin/sh\nexit 0\n")

    def tearDown(self):
        self.top.cleanup()

    def executable(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def check(self, folder, script, name):
        (folder / "my settings.toml").write_text(str(folder))
        environment = dict(os.environ, PATH=f"{self.tools}:{os.environ['PATH']}")
        run = subprocess.run([script, "--no-install", "my settings.toml"], cwd=folder, env=environment, text=True,
                             capture_output=True)
        self.assertEqual(run.stdout, str(folder))
        self.assertTrue(run.stderr.startswith(f"{name}: train: "), run.stderr)

    def test_in_the_checkout(self):
        self.check(self.checkout, "scripts/train.sh", "build/release/bin/bellman")

    def test_from_elsewhere(self):
        """What it prints must be typed where the script was called; the paths among its arguments are from there."""
        self.check(self.checkout.parent, "my checkout/scripts/train.sh", self.command)
        self.check(self.checkout / "scripts", "./train.sh", self.command)


if __name__ == "__main__":
    unittest.main()
