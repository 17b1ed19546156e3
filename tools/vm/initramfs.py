# SPDX-License-Identifier: MIT
"""What a guest boots from: busybox, the modules it needs, and programs of this machine with their libraries."""
import io
import lzma
import os
import pathlib
import re
import shlex
import stat
import subprocess
import tempfile

import sysroot
from kernels import ask, need
from refusal import Refusal

# What carries the guest's words out, and what the paths that are measured run over.
CHANNEL_MODULES = ["virtio_pci", "virtio_console"]
NETWORK_MODULES = ["veth"]
# What scenarios ask the kernel for: loaded when it does.
ON_DEMAND_MODULES = ["tun", "macvlan", "ipvlan", "bridge", "vxlan", "ipip", "ip_gre", "sch_ingress", "cls_bpf",
                     "sch_netem", "wireguard", "macsec", "xfrm_user", "esp4", "aes_generic", "gcm", "ctr", "seqiv",
                     "ghash_generic", "drbg", "jitterentropy_rng", "sha512_generic", "nfnetlink",
                     "nf_tables", "nft_ct", "nft_objref", "nf_conntrack_sip", "nft_compat", "xt_CHECKSUM",
                     "xt_NFQUEUE", "nfnetlink_queue", "tls"]
BUSYBOX_SHELL = "#!/bin/busybox sh\n"

# The kernel runs it as `modprobe -q -- NAME` (kernel/module/kmod.c) with a name or an alias of a module.
MODPROBE = BUSYBOX_SHELL + """for name; do :; done
order="/modules/for/$(echo "$name" | tr - _)"
[ -f "$order" ] || exit 1
while read -r module; do
    [ -d "/sys/module/${module%.ko}" ] || insmod "/modules/$module" || exit 1
done <"$order"
"""

# The ports are opened once: a port takes one opener at a time. The programs' own output never meets the console's.
INIT = BUSYBOX_SHELL + """/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
# As systemd makes them; TOMOYO looks for the first one when a program is executed by its descriptor.
ln -s /proc/self/fd /dev/fd
mkdir -m 1777 /dev/shm
mkdir /dev/net
mknod /dev/net/tun c 10 200
mount -t tracefs tracefs /sys/kernel/tracing
mount -t debugfs debugfs /sys/kernel/debug
mount -t securityfs securityfs /sys/kernel/security
mount -t bpf bpf /sys/fs/bpf
while read -r module; do
    insmod "/modules/$module" || echo "init: $module was not loaded"
done </modules/order
ip link set lo up
port() {
    while :; do
        for entry in /sys/class/virtio-ports/*; do
            if [ "$(cat "$entry/name" 2>/dev/null)" = "$1" ] && [ -c "/dev/${entry##*/}" ]; then
                echo "/dev/${entry##*/}"
                return
            fi
        done
        usleep 20000
    done
}
exec 3>"$(port status)"
echo up >&3
/command >"$(port out)" 2>"$(port err)" </dev/null 3>&-
echo "exit $?" >&3
# The host ends the guest when it has read this.
while :; do sleep 1000; done
"""


# --- cpio ------------------------------------------------------------------------------------------------------------

class Archive:
    """A cpio archive of the kind that the kernel unpacks (Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self):
        self.bytes = io.BytesIO()
        self.names = set()

    def add(self, name, mode, content=b"", device=(0, 0)):
        name = str(name).strip("/")
        if not name or name in self.names:
            return
        self.add(pathlib.PurePath(name).parent if "/" in name else "", stat.S_IFDIR | 0o755)
        self.names.add(name)
        self.write(name, mode, content, device)

    def write(self, name, mode, content, device):
        path = name.encode() + b"\0"
        fields = [len(self.names), mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(path), 0]
        self.padded(b"070701" + b"".join(b"%08x" % field for field in fields) + path)
        self.padded(content)

    def padded(self, content):
        self.bytes.write(content + b"\0" * (-len(content) % 4))

    def folder(self, name, mode=0o755):
        self.add(name, stat.S_IFDIR | mode)

    def file(self, name, content, mode=0o755):
        self.add(name, stat.S_IFREG | mode, content)

    def finished(self):
        self.names.add("")
        self.write("TRAILER!!!", 0, b"", (0, 0))
        return self.bytes.getvalue()


# --- modules ---------------------------------------------------------------------------------------------------------

def module_name(path):
    """Files and the kernel disagree on dashes and underscores."""
    return path.name.split(".ko")[0].replace("-", "_")


def module_content(path):
    content = path.read_bytes()
    return lzma.decompress(content) if path.suffix == ".xz" else content


def module_needs(content):
    found = re.search(rb"depends=([^\0]*)\0", content)
    return [name.replace("-", "_") for name in found[1].decode().split(",") if name] if found else []


def modules_in_order(folder, wanted):
    """[(name, content)], each after those it needs. The packages hold no modules.dep, but a module says what it needs.

    A module that is no file is taken for a part of the kernel: init finds out, for the console says what is missing.
    """
    files = {module_name(path): path for path in folder.glob("kernel/**/*.ko*")}
    order = {}

    def visit(name):
        if name in order or name not in files:
            return
        content = module_content(files[name])
        for needed in module_needs(content):
            visit(needed)
        order[name] = content

    for name in wanted:
        visit(name.replace("-", "_"))
    return list(order.items())


def aliases_of(content):
    """The names without wildcards under which the kernel asks for a module."""
    found = re.findall(rb"alias=([\w:-]+)\0", content)
    return [name.decode().replace("-", "_") for name in found]


def add_modules(archive, folder, at_boot):
    """Those that init loads, and those that the kernel loads when it needs them, with an order for each name."""
    order = modules_in_order(folder, at_boot)
    archive.file("modules/order", "".join(f"{name}.ko\n" for name, _ in order).encode())
    contents = dict(order)
    for wanted in ON_DEMAND_MODULES:
        order = modules_in_order(folder, [wanted])
        contents.update(order)
        for alias in [wanted, *aliases_of(contents.get(wanted, b""))]:
            archive.file(f"modules/for/{alias}", "".join(f"{name}.ko\n" for name, _ in order).encode())
    for name, content in contents.items():
        archive.file(f"modules/{name}.ko", content)
    archive.file("sbin/modprobe", MODPROBE.encode())


# --- programs --------------------------------------------------------------------------------------------------------

def libraries_of(program):
    """The shared libraries and the loader of a program of this machine, as its loader finds them."""
    done = subprocess.run(["ldd", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    missing = re.findall(r"^\s*(\S+) => not found", done.stdout, re.MULTILINE)
    if missing:
        raise Refusal(f"{program} needs {', '.join(missing)}, which ldd does not find")
    return re.findall(r"(?:=> |^\s*)(/\S+) \(0x", done.stdout, re.MULTILINE)


def stripped(program, machine):
    """A program without its debug information, which is most of it and would have to be unpacked into memory."""
    with tempfile.NamedTemporaryFile() as copy:
        ask([need(*machine.strip), "-o", copy.name, str(program)])
        return pathlib.Path(copy.name).read_bytes()


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def add_program(archive, path, machine):
    """Under the name that it has here, and so found by whoever names it; libraries too."""
    if not is_elf(path):
        archive.file(path, path.read_bytes())
        return
    archive.file(path, stripped(path, machine))
    if machine.is_this():
        libraries = {name: pathlib.Path(name) for name in libraries_of(path)}
    else:
        libraries = sysroot.Libraries(sysroot.get(machine), machine).of(path)
    for name, library in libraries.items():
        archive.file(name, library.read_bytes())


def add_file(archive, path):
    """A file, or all that are in a folder, under the same path."""
    if path.is_dir():
        for inner in sorted(path.iterdir()):
            add_file(archive, inner)
    else:
        archive.file(path, path.read_bytes(), stat.S_IMODE(os.stat(path).st_mode))


def command_script(command, environment, folder):
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(environment.items())]
    return "\n".join([BUSYBOX_SHELL.rstrip(), *lines, f"cd {shlex.quote(str(folder))}",
                      f"exec {shlex.join(command)}", ""])


def make(kernel, programs, files, modules, script):
    """The whole archive, uncompressed: what is saved by compressing it costs more to undo under emulation."""
    archive = Archive()
    for name in ("proc", "sys", "dev", "etc", "run", "root", "var"):
        archive.folder(name)
    archive.folder("tmp", 0o1777)
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    archive.file("bin/busybox", kernel.busybox.read_bytes())
    archive.file("init", INIT.encode())
    archive.file("command", script.encode())
    add_modules(archive, kernel.modules, CHANNEL_MODULES + NETWORK_MODULES + modules)
    for program in programs:
        add_program(archive, program, kernel.machine)
    for path in files:
        add_file(archive, path)
    return archive.finished()
