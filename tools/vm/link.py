# SPDX-License-Identifier: MIT
"""A NIC for a guest, and this machine's end of its cable: what the guest sends leaves it for real.

Run as a program it tries whether there can be such a cable, and says why not."""
import contextlib
import fcntl
import os
import pathlib
import socket
import struct
import subprocess
import sys

from kernels import Refusal, need

TUN = "/dev/net/tun"
# linux/if_tun.h, linux/sockios.h, linux/if.h
TUNSETIFF, SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFFLAGS = 0x400454CA, 0x8916, 0x891C, 0x8914
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
IFF_UP, IFF_RUNNING = 0x1, 0x40
DEVICE = b"tap0"


class Tap:
    """A tap device whose packets carry virtio's header. Only with that does QEMU offer the guest checksums and
    segmentation, and with them scatter-gather (docs/causes.md#no-scatter-gather). QEMU's own network has no such header:
    a guest there copies every byte, silently. The device lives as long as its descriptor, in this process's namespace."""

    module = "virtio_net"
    guest_address, own_address, netmask, prefix = "10.98.0.1", "10.98.0.2", "255.255.255.0", 24

    def __init__(self):
        self.fd = os.open(TUN, os.O_RDWR)
        fcntl.ioctl(self.fd, TUNSETIFF, struct.pack("16sH22x", DEVICE, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as control:
            for request, value in ((SIOCSIFADDR, self.own_address), (SIOCSIFNETMASK, self.netmask)):
                address = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
                fcntl.ioctl(control, request, DEVICE.ljust(16, b"\0") + address + bytes(8))
            fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", DEVICE, IFF_UP | IFF_RUNNING))

    def plug_into(self, settings, bounce=False):
        """`bounce`: the device reaches no memory of the guest but what the guest copies for it, as in one whose memory is
        encrypted (swiotlb=force; VIRTIO_F_ACCESS_PLATFORM makes the driver ask the kernel for such memory)."""
        settings.inherited.append(self.fd)
        reach = ",iommu_platform=on,disable-legacy=on" if bounce else ""
        settings.append += ["swiotlb=force"] if bounce else []
        # Without vhost QEMU passes the packets on; the host's kernel need not have it, and the guest sees no difference.
        settings.qemu += ["-netdev", f"tap,id=cable,fd={self.fd},vhost=off", "-device", f"virtio-net-pci,netdev=cable{reach}"]

    @classmethod
    def set_up_in_guest(cls):
        """For the guest's shell."""
        return f"ip addr add {cls.guest_address}/{cls.prefix} dev eth0 && ip link set eth0 up"


# --- a namespace for it ----------------------------------------------------------------------------------------------

# (what it is, how a program is started there). In a namespace of its own a process may make devices, and this machine's
# network never sees them. Root needs no user namespace, and may be where there are none.
WAYS = [("a network namespace of its own", ["--net"]),
        ("a network namespace of its own, without root", ["--user", "--map-root-user", "--net"])]


def refusal_of(command):
    """Why there is no cable to be had that way; empty where there is."""
    trial = subprocess.run([*command, sys.executable, "-B", str(pathlib.Path(__file__))], stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    said = trial.stderr.strip().splitlines() or [f"exit code {trial.returncode}"]
    return "" if trial.returncode == 0 else said[-1]


def advice(is_root):
    if not os.path.exists(TUN):
        return "sudo modprobe tun"
    if not os.access(TUN, os.R_OK | os.W_OK):
        return f"sudo, or: sudo chmod 666 {TUN}, as udev sets it"
    if is_root:
        return "a machine, or a container, where root has CAP_SYS_ADMIN and CAP_NET_ADMIN"
    return ("sudo, or sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), or "
            "kernel.unprivileged_userns_clone=1 (older Debian)")


def find_way(is_root):
    """(what it is, how a program is started there), the first that works. Raises Refusal with what each said."""
    unshare = need("unshare", "util-linux")
    refusals = []
    for name, options in WAYS if is_root else WAYS[1:]:
        refusal = refusal_of([unshare, *options])
        if not refusal:
            return name, [unshare, *options]
        refusals.append(f"{' '.join(['unshare', *options])}: {refusal}")
    raise Refusal(f"the guest cannot be given a network cable: {'; '.join(refusals)}; try: {advice(is_root)}")


if __name__ == "__main__":
    try:
        Tap()
    except OSError as error:
        sys.exit(f"{TUN}: {error.strerror}")
