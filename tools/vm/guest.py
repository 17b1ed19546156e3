# SPDX-License-Identifier: MIT
"""Boots a kernel in QEMU, runs one command in it, and hands on its output and its exit code."""
import ctypes
import json
import os
import pathlib
import re
import selectors
import signal
import socket
import subprocess
import tempfile
import time

from kernels import Refusal, ask, cache_folder, locked, need

BOOT_SECONDS = 120  # from QEMU's start to the first word of init; about 4 s under TCG on an idle machine
KVM_TRIAL_SECONDS = 20
ATTEMPTS = 3
CHANNELS = ("status", "out", "err")
# Emulation pays for every indirect jump and every change of page tables that mitigations make, and has nothing to
# protect. Memory that cannot be pinned is a cause to be provoked, and off by default before Linux 6.5.
COMMAND_LINE = "quiet panic=-1 mitigations=off rcupdate.rcu_expedited=1 secretmem.enable=1"
# What a kernel says when it dies.
CRASH = re.compile(r"Kernel panic|Oops|general protection fault|double fault|stack guard page|BUG: |PANIC:|"
                   r"invalid opcode|Bad RIP|kernel stack overflow")


class Death(Exception):
    """The guest ended, or was ended, before its program did."""

    def __init__(self, what, console):
        super().__init__(what)
        self.console = console
        self.crashed = bool(CRASH.search(console))


def tail(text, lines=25):
    return "\n".join(text.rstrip().splitlines()[-lines:])


def processor(machine, accelerator):
    return ["-accel", "kvm", "-cpu", "host"] if accelerator == "kvm" else machine.processor


def die_with_parent():
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class Guest:
    """One boot. `sink(channel, data)` gets what the program writes."""

    def __init__(self, settings, accelerator, initramfs, folder, sink):
        self.console = folder / "console.log"
        self.sink = sink
        self.status = ""
        self.ends = {}
        self.selector = selectors.DefaultSelector()
        inherited = []
        for name in CHANNELS:
            ours, theirs = socket.socketpair()
            ours.setblocking(False)
            self.ends[name] = ours
            self.selector.register(ours, selectors.EVENT_READ, name)
            inherited.append(theirs)
        command = self.command(settings, accelerator, initramfs, [end.fileno() for end in inherited])
        self.qemu = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.PIPE, preexec_fn=die_with_parent,
                                     pass_fds=[end.fileno() for end in inherited] + settings.inherited)
        for end in inherited:
            end.close()

    def command(self, settings, accelerator, initramfs, ends):
        machine = settings.kernel.machine
        append = " ".join([f"console={machine.console}", COMMAND_LINE, machine.append, *settings.append])
        command = [need(*machine.emulator), "-nodefaults", "-no-user-config", "-display", "none",
                   "-no-reboot", *machine.options, *processor(machine, accelerator), "-smp", str(settings.cpus),
                   "-m", str(settings.memory), "-kernel", str(settings.kernel.image), "-initrd", str(initramfs),
                   "-append", append, "-serial", f"file:{self.console}", "-device", "virtio-serial-pci"]
        for name, end in zip(CHANNELS, ends):
            command += ["-chardev", f"socket,id={name},fd={end}", "-device", f"virtserialport,chardev={name},name={name}"]
        return command + settings.qemu

    def read(self, name):
        """False at the end of a channel: QEMU has gone."""
        try:
            data = self.ends[name].recv(1 << 16)
        except BlockingIOError:
            return True
        except ConnectionError:
            data = b""
        if data and name == "status":
            self.status += data.decode(errors="replace")
        elif data:
            self.sink(name, data)
        return bool(data)

    def drain(self):
        """What was written before the exit code is in the sockets already."""
        for name in ("out", "err"):
            self.ends[name].setblocking(True)
            self.ends[name].settimeout(0.05)
            try:
                while self.read(name):
                    pass
            except TimeoutError:
                pass

    def exit_code(self):
        found = re.search(r"^exit (\d+)$", self.status, re.MULTILINE)
        return int(found[1]) if found else None

    def is_up(self):
        return self.status.startswith("up\n")

    def said(self):
        return self.console.read_text(errors="replace").replace("\r", "") if self.console.exists() else ""

    def wait(self, seconds):
        """The exit code of the program. Raises Death."""
        began = time.monotonic()
        while self.exit_code() is None:
            boot_limit = min(seconds, BOOT_SECONDS)
            left = began + (seconds if self.is_up() else boot_limit) - time.monotonic()
            if left <= 0:
                raise Death(f"no end after {seconds} s" if self.is_up() else f"not up after {boot_limit} s", self.said())
            for key, _ in self.selector.select(min(left, 1)):
                if not self.read(key.data):
                    self.selector.unregister(key.fileobj)
            if self.qemu.poll() is not None and not self.selector.get_map():
                raise Death("QEMU ended" + self.why_qemu_ended(), self.said())
        self.drain()
        return self.exit_code()

    def why_qemu_ended(self):
        said = self.qemu.stderr.read().decode(errors="replace").strip().splitlines()
        return f": {said[-1]}" if said else ""

    def end(self):
        if self.qemu.poll() is None:
            self.qemu.kill()
        self.qemu.wait()
        self.qemu.stderr.close()
        for end in self.ends.values():
            end.close()
        self.selector.close()


class Settings:
    """How a guest is booted."""

    def __init__(self, kernel, append=(), memory=1536, cpus=2, seconds=600):
        self.kernel = kernel
        self.append = list(append)
        self.memory = memory
        self.cpus = cpus
        self.seconds = seconds
        self.accelerator = "tcg"
        self.qemu = []  # more arguments
        self.inherited = []  # descriptors that those name


def boot_once(settings, accelerator, initramfs, sink):
    with tempfile.TemporaryDirectory(prefix="netio-vm.") as name:
        folder = pathlib.Path(name)
        image = folder / "initramfs"
        image.write_bytes(initramfs)
        guest = Guest(settings, accelerator, image, folder, sink)
        try:
            return guest.wait(settings.seconds)
        finally:
            guest.end()


# --- KVM -------------------------------------------------------------------------------------------------------------

def this_machine(emulator):
    """What a verdict on KVM holds for: until the machine is booted again, or QEMU changes."""
    boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    return {"boot": boot, "qemu": ask([emulator, "--version"]).splitlines()[0]}


def kvm_boots(settings, initramfs):
    trial = Settings(settings.kernel, memory=settings.memory, cpus=settings.cpus, seconds=KVM_TRIAL_SECONDS)
    try:
        return boot_once(trial, "kvm", initramfs, lambda channel, data: None) == 0
    except (Death, Refusal):
        return False


def kvm_works(settings, trial_initramfs):
    """Tried by a boot, for a machine may offer KVM that no guest survives; the verdict is kept."""
    if not settings.kernel.machine.is_this() or not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    verdict_file = cache_folder() / "kvm.json"
    with locked(cache_folder() / "kvm.lock"):
        machine = this_machine(need(*settings.kernel.machine.emulator))
        try:
            verdict = json.loads(verdict_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            verdict = {}
        if verdict.get("machine") != machine:
            verdict = {"machine": machine, "works": kvm_boots(settings, trial_initramfs())}
            verdict_file.write_text(json.dumps(verdict), encoding="utf-8")
        return verdict["works"]


# --- runs ------------------------------------------------------------------------------------------------------------

class Sink:
    """Passes output on as it comes, or holds it until the program has ended, so that a run can be repeated unseen."""

    def __init__(self, hold):
        self.hold = hold
        self.held = []
        self.passed = False

    def __call__(self, channel, data):
        if self.hold:
            self.held.append((channel, data))
            return
        self.passed = True
        self.write(channel, data)

    @staticmethod
    def write(channel, data):
        descriptor = {"out": 1, "err": 2}[channel]
        while data:
            data = data[os.write(descriptor, data):]

    def forget(self):
        self.held = []

    def release(self):
        for channel, data in self.held:
            self.write(channel, data)
        self.held = []


def may_repeat(death, accelerator, attempt, sink):
    """Only what emulation is known for, and only while nobody has seen a word of the program."""
    return death.crashed and accelerator == "tcg" and attempt < ATTEMPTS and not sink.passed


def run(settings, initramfs, sink, say):
    """The exit code of the program in the guest. Raises Death when there is none."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            code = boot_once(settings, settings.accelerator, initramfs, sink)
            sink.release()
            return code
        except Death as death:
            if not may_repeat(death, settings.accelerator, attempt, sink):
                sink.release()
                raise
            sink.forget()
            say(f"the kernel crashed under emulation before the program ended; attempt {attempt + 1} of {ATTEMPTS}")
    raise AssertionError("the last attempt returns or raises")
