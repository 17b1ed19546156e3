# SPDX-License-Identifier: MIT
"""Where the programs are that a guest gets."""
import pathlib

from kernels import Refusal

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAMS = ["netio-trace", "netio-server", "netio-client"]


def find(named, needed=PROGRAMS[0]):
    """The folder of a build that has `needed`: the one that was named, or those that the tools here make."""
    candidates = [named] if named else [ROOT / "build", ROOT / "build-check"]
    for folder in candidates:
        if (folder / needed).is_file():
            return folder.resolve()
    raise Refusal(f"no {needed} in {candidates[0]}; try: meson setup build && ninja -C build, or --build DIR")
