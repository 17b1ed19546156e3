#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The libraries of another architecture: what a build for it compiles and links against, and what its programs run with.

Fetched by apt with a configuration of its own, as kernels are, and unpacked in the cache folder; this machine's own
packages are left alone. They are those of the suite that this machine is, so that they fit its cross compiler.

Run as a program it prints the folder of one, and fetches it where it is missing."""
import argparse
import os
import pathlib
import re
import shutil
import sys

if __name__ == "__main__":
    sys.dont_write_bytecode = True  # the tree may be read-only, and is not ours to fill

import kernels
import machines
from refusal import Refusal

# As in tools/packages.txt, without what runs on this machine. What they need themselves comes along, the C library too.
PACKAGES = ["libbpf-dev", "libelf-dev", "zlib1g-dev", "libcli11-dev", "libfmt-dev", "nlohmann-json3-dev",
            "libexpected-dev", "libnl-route-3-dev", "libcap-dev", "doctest-dev", "libstdc++6"]
COMPLETE = "complete"  # written last


def this_suite(release="/etc/os-release"):
    """The name of the Debian release that this machine runs."""
    try:
        found = re.search(r'^VERSION_CODENAME="?(\w+)', pathlib.Path(release).read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    if not found:
        raise Refusal(f"{release} names no release of Debian, whose libraries would be fetched; try: a build on Debian")
    return found[1]


def make_links_relative(root):
    """Links of packages that begin at the root of the system they are meant for: not at this one's."""
    for path in root.rglob("*"):
        if path.is_symlink() and (target := os.readlink(path)).startswith("/"):
            path.unlink()
            path.symlink_to(os.path.relpath(root / target[1:], path.parent))


def unpack(packages, root):
    for package in packages:
        kernels.ask(["dpkg-deb", "-x", str(package), str(root)])
    make_links_relative(root)
    (root / COMPLETE).touch()


def fetch(folder, machine, suite, say):
    kernels.need_apt()
    work = folder.with_name(folder.name + ".part")
    shutil.rmtree(work, ignore_errors=True)
    (work / "root").mkdir(parents=True)
    say(f"fetching the libraries of Debian {suite} for {machine.name}")
    apt = kernels.Apt(work / "apt", suite, machine.debian)
    apt.update()
    unpack(apt.download_with_needs(PACKAGES), work / "root")
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(work / "root", folder)
    shutil.rmtree(work)


def get(machine, say=lambda line: None, refresh=False):
    """Its folder. Raises Refusal."""
    suite = this_suite()
    folder = kernels.cache_folder() / f"libraries-{suite}-{machine.name}"
    with kernels.locked(kernels.cache_folder() / "lock"):
        if refresh or not (folder / COMPLETE).exists():
            fetch(folder, machine, suite, say)
    return folder


# --- programs that run with them -------------------------------------------------------------------------------------

class Libraries:
    """Which libraries a program of another architecture needs, and where they are."""

    def __init__(self, root, machine):
        triplet = f"{machine.uname}-linux-gnu"
        self.root = root
        self.folders = [root / "lib" / triplet, root / "usr/lib" / triplet, root / "lib", root / "usr/lib"]

    def find(self, name):
        for folder in self.folders:
            if (folder / name).exists():
                return folder / name
        raise Refusal(f"{name} is not among the libraries in {self.root}; try: tools/vm/sysroot.py --refresh")

    def of(self, program):
        """{path in the guest: path here}: the loader that the program names, and libraries with those that they need."""
        wanted = [pathlib.Path(name).name for name in interpreter_of(program)] + needs_of(program)
        found = {}
        while wanted:
            name = wanted.pop(0)
            path = self.find(name)
            guest_path = "/" + str(path.relative_to(self.root))
            if guest_path not in found:
                found[guest_path] = path
                wanted += needs_of(path)
        return {**found, **{name: self.find(pathlib.Path(name).name) for name in interpreter_of(program)}}


def readelf(option, path):
    return kernels.ask([kernels.need("readelf", "binutils"), option, "--wide", str(path)])


def needs_of(path):
    return re.findall(r"\(NEEDED\).*\[(.+)\]", readelf("--dynamic", path))


def interpreter_of(path):
    return re.findall(r"program interpreter: (.+)\]", readelf("--program-headers", path))


def main():
    others = [machine.name for machine in machines.ALL.values() if not machine.is_this()]
    parser = argparse.ArgumentParser(prog="sysroot.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", choices=others, default=others[-1], help=f"default {others[-1]}")
    parser.add_argument("--refresh", action="store_true", help="fetch them again")
    options = parser.parse_args()
    try:
        print(get(machines.ALL[options.arch], lambda line: print(f"sysroot: {line}", file=sys.stderr), options.refresh))
    except (Refusal, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
