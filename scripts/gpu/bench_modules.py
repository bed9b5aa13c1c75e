"""Importing this finds the modules of scripts/bench, which the scripts for a GPU share."""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
