"""What CMake's unity build makes one file of."""

import pathlib
import re


def sources_in(file):
    """The sources that a file of a unity build includes; of another file itself."""
    if not re.search(r"/Unity/unity_\d+_cxx\.cxx$", str(file)) or not pathlib.Path(file).is_file():
        return [str(file)]
    return re.findall(r'^#include "(.*)"', pathlib.Path(file).read_text(encoding="utf-8"), re.M)
