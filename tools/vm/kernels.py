# SPDX-License-Identifier: MIT
"""Debian's kernels, fetched once by apt with its own configuration and kept unpacked in a cache folder."""
import contextlib
import fcntl
import json
import os
import pathlib
import re
import shutil
import subprocess

import machines
from refusal import Refusal

# The suite that has the kernel. sid moves on, so its kernel is named by what does not change soon.
SUITES = {"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie", "7": "sid"}
KEYRING = pathlib.Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# From Debian's 7.2 on an image is a shell around two more packages.
KERNEL_PACKAGE = re.compile(r"linux-(image|binary|modules)-\d")
# What the machine's configuration says on how to reach a mirror. All the rest of it is about this system.
TRANSPORT = re.compile(r"Acquire::(http|https|Retries|ForceIPv\d|Check-Date|Check-Valid-Until|proxy)\b", re.IGNORECASE)


def cache_folder():
    named = os.environ.get("NETIO_VM_CACHE")
    if named:
        return pathlib.Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "netio-trace" / "vm"


def need(program, package):
    """The program's path; the packages of tools/packages.txt are not all that a kernel in QEMU needs."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if not found:
        raise Refusal(f"{program} is not installed; try: sudo apt install {package}")
    return found


def ask(command, **more):
    """The output of a program that must succeed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, **more)
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise Refusal(f"{' '.join(str(word) for word in command[:2])} failed: {' / '.join(said[-3:]) or 'it said nothing'}")
    return done.stdout


@contextlib.contextmanager
def locked(path):
    """Two runs that need the same kernel fetch it once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


# --- apt -------------------------------------------------------------------------------------------------------------

def debian_mirror(targets):
    """The address of Debian's archive among apt's index targets, lines of "ADDRESS COMPONENT"."""
    for line in targets.splitlines():
        address, _, component = line.partition(" ")
        if component == "main" and address.rstrip("/").endswith("/debian"):
            return address
    return None


def mirror():
    """As NETIO_VM_MIRROR says, or as this machine's apt does: a mirror near it, or one that it may reach at all."""
    named = os.environ.get("NETIO_VM_MIRROR")
    found = named or debian_mirror(ask(["apt-get", "indextargets", "--format", "$(REPO_URI) $(COMPONENT)"]))
    if not found:
        raise Refusal("the sources of apt name no Debian mirror; try: NETIO_VM_MIRROR with the address of one, "
                      "which ends in /debian")
    return found


def apt_configuration(folder, transport, architecture):
    """A whole configuration: nothing of the machine's own but how to reach a mirror, so that no hook of it runs."""
    return transport + f"""
Dir::Etc::main "/dev/null";
Dir::Etc::parts "{folder}/none";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "{folder}/none";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "{folder}/none";
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Sandbox::User "root";
Acquire::Languages "none";
"""


class Apt:
    """apt for one suite and architecture, in a folder of its own."""

    def __init__(self, folder, suite, architecture):
        self.folder = folder
        for name in ("none", "state/lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        (folder / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror()} {suite} main\n", encoding="utf-8")
        transport = [line for line in ask(["apt-config", "dump"]).splitlines() if TRANSPORT.match(line)]
        (folder / "apt.conf").write_text(apt_configuration(folder, "\n".join(transport), architecture), encoding="utf-8")
        self.environment = {**os.environ, "APT_CONFIG": str(folder / "apt.conf"), "LC_ALL": "C"}

    def update(self):
        # Without the option an index that could not be fetched is a warning, and an empty suite.
        ask(["apt-get", "update", "-q", "-o", "APT::Update::Error-Mode=any"], env=self.environment)

    def needed_by(self, package):
        output = ask(["apt-cache", "depends", "--important", package], env=self.environment)
        return re.findall(r"^\s*Depends: (\S+)$", output, re.MULTILINE)

    def download(self, packages, folder):
        ask(["apt-get", "download", "-q", *packages], env=self.environment, cwd=folder)
        return sorted(folder.glob("*.deb"))

    def download_with_needs(self, packages):
        """These and all that they need. Nothing is installed: to apt this is a system without packages, in `folder`."""
        ask(["apt-get", "install", "-q", "--yes", "--download-only", "--no-install-recommends", *packages],
            env=self.environment)
        return sorted((self.folder / "cache" / "archives").glob("*.deb"))


def packages_of(needed_by, newest):
    """The packages that hold image and modules, found from Debian's name for the newest kernel, and busybox."""
    found, open_ends = [], [newest, "busybox-static"]
    while open_ends:
        package = open_ends.pop(0)
        found.append(package)
        open_ends += [name for name in needed_by(package) if KERNEL_PACKAGE.match(name) and name not in found]
    return [name for name in found if name != newest]


# --- kernels ---------------------------------------------------------------------------------------------------------

class Kernel:
    """An unpacked kernel: image, modules and a static busybox."""

    def __init__(self, name, folder, machine):
        self.name = name
        self.machine = machine
        facts = json.loads((folder / "kernel.json").read_text(encoding="utf-8"))
        self.release = facts["release"]
        self.image = folder / facts["image"]
        self.modules = folder / facts["modules"]
        self.busybox = folder / facts["busybox"]


def one_of(folder, *patterns):
    found = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
    if len(found) != 1:
        raise Refusal(f"the kernel's packages have {len(found)} files like {patterns[0]}: this layout is not known to "
                      "tools/vm/kernels.py")
    return found[0]


def describe_unpacked(root):
    modules = one_of(root, "lib/modules/*", "usr/lib/modules/*")
    facts = {"release": modules.name, "modules": modules, "busybox": one_of(root, "bin/busybox", "usr/bin/busybox"),
             "image": one_of(root, "boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz")}
    return {name: str(value.relative_to(root)) if isinstance(value, pathlib.Path) else value
            for name, value in facts.items()}


def unpack(packages, folder):
    for package in packages:
        ask(["dpkg-deb", "-x", str(package), str(folder)])
    (folder / "kernel.json").write_text(json.dumps(describe_unpacked(folder)), encoding="utf-8")


def need_apt():
    if not KEYRING.exists():
        raise Refusal(f"{KEYRING} is not there, and nothing unsigned is used; try: sudo apt install "
                      "debian-archive-keyring")
    for program, package in (("apt-get", "apt"), ("dpkg-deb", "dpkg")):
        need(program, package)


def fetch(name, folder, say, machine):
    need_apt()
    work = folder.with_suffix(".part")
    shutil.rmtree(work, ignore_errors=True)
    for part in ("apt", "packages", "root"):
        (work / part).mkdir(parents=True)
    say(f"fetching Linux {name} for {machine.name} from Debian {SUITES[name]}")
    apt = Apt(work / "apt", SUITES[name], machine.debian)
    apt.update()
    unpack(apt.download(packages_of(apt.needed_by, machine.kernel), work / "packages"), work / "root")
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(work / "root", folder)
    shutil.rmtree(work)


def get(name, say=lambda line: None, refresh=False, machine=machines.X86):
    """The kernel of that name, fetched unless it was before. Raises Refusal."""
    if name not in SUITES:
        raise Refusal(f"there is no kernel {name}; there are {', '.join(SUITES)}")
    folder = cache_folder() / (f"linux-{name}" if machine is machines.X86 else f"linux-{name}-{machine.name}")
    with locked(cache_folder() / "lock"):
        if refresh or not (folder / "kernel.json").exists():
            fetch(name, folder, say, machine)
    return Kernel(name, folder, machine)
