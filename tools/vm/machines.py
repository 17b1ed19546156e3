# SPDX-License-Identifier: MIT
"""The architectures that guests can have: all in which they differ."""
import dataclasses
import platform

from refusal import Refusal


@dataclasses.dataclass(frozen=True)
class Machine:
    name: str  # of the option --arch
    uname: str  # as uname -m says it
    elf: int  # e_machine of its programs
    debian: str  # Debian's name of it
    kernel: str  # Debian's name for "the newest kernel"
    emulator: tuple  # the program and its package
    strip: tuple  # the same
    options: tuple  # what QEMU emulates
    processor: tuple  # where nothing helps it to
    console: str
    append: str  # more for the kernel's command line
    cpus: int  # where nobody says how many
    build: str  # the folder that a build for it has in the checkout

    def is_this(self):
        return self.uname == platform.machine()


X86 = Machine(
    name="x86_64", uname="x86_64", elf=62, debian="amd64", kernel="linux-image-cloud-amd64",
    emulator=("qemu-system-x86_64", "qemu-system-x86"), strip=("strip", "binutils"),
    options=("-machine", "pc"),
    # Without cx16: QEMU 7.2 leaves garbage in the flags after cmpxchg16b, which the allocator of Linux 6.12 uses, and an
    # interrupt at that place takes it back as IOPL, NT, TF or AC. Linux 6.12 died of it within seconds, here and there;
    # without the instruction it has not. One thread: emulation on several gains no time, and two guests do.
    processor=("-accel", "tcg,thread=single", "-cpu", "Nehalem,-x2apic,-cx16"),
    console="ttyS0", append="no_timer_check", cpus=2, build="build")

ARM64 = Machine(
    name="arm64", uname="aarch64", elf=183, debian="arm64", kernel="linux-image-arm64",
    emulator=("qemu-system-aarch64", "qemu-system-arm"),
    strip=("aarch64-linux-gnu-strip", "binutils-aarch64-linux-gnu"),
    # No seed for the kernel: where its code lies is the same at every boot.
    options=("-machine", "virt,gic-version=3,dtb-randomness=off"),
    # One instruction takes one nanosecond of the guest's time, whatever it took here, and its performance counters count
    # instructions and cycles: the same ones again when the same is done again. Time in which the guest only waits passes
    # at once. Return addresses are signed by a hash, for a cipher would cost the emulator more.
    processor=("-accel", "tcg,thread=single", "-cpu", "max,pauth-impdef=on", "-icount", "shift=0,sleep=off",
               "-rtc", "base=2024-01-01,clock=vm", "-seed", "1"),
    console="ttyAMA0", append="nokaslr", cpus=1, build="build-arm64")

ALL = {machine.name: machine for machine in (X86, ARM64)}


def of_program(path):
    """What a program was built for; None where that cannot be told."""
    with open(path, "rb") as file:
        head = file.read(20)
    number = int.from_bytes(head[18:20], "little") if head[:4] == b"\x7fELF" else None
    return next((machine for machine in ALL.values() if machine.elf == number), None)


def need_built_for(machine, program):
    found = of_program(program)
    if found is not machine:
        advice = f"; try: --arch {found.name}" if found else ""
        raise Refusal(f"{program} was not built for {machine.name}{advice}")
