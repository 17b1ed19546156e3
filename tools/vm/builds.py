# SPDX-License-Identifier: MIT
"""Where the programs are that a guest gets."""
import pathlib

import machines
from refusal import Refusal

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAMS = ["netio-trace", "netio-server", "netio-client"]


def find(named, needed=PROGRAMS[0], machine=machines.X86):
    """The folder of a build for `machine` that has `needed`: the one that was named, or those that the tools here make.
    """
    own = [ROOT / machine.build] + ([ROOT / "build-check"] if machine.is_this() else [])
    candidates = [named] if named else own
    for folder in candidates:
        if (folder / needed).is_file():
            machines.need_built_for(machine, folder / needed)
            return folder.resolve()
    how = "meson setup build && ninja -C build" if machine.is_this() else f"tools/vm/cross-{machine.name}"
    raise Refusal(f"no {needed} in {candidates[0]}; try: {how}, or --build DIR")
