#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/vm: what it reads and writes, without a kernel, QEMU or the network."""
import contextlib
import importlib.machinery
import importlib.util
import io
import lzma
import pathlib
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

sys.dont_write_bytecode = True  # the tree may be read-only, and is not ours to fill
VM = pathlib.Path(__file__).resolve().parent.parent / "tools" / "vm"
sys.path.insert(0, str(VM))
import guest  # noqa: E402
import initramfs  # noqa: E402
import kernels  # noqa: E402


def program(name):
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(VM / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    sys.modules[loader.name] = module  # dataclasses look there
    loader.exec_module(module)
    return module


matrix = program("matrix")


class Fetching(unittest.TestCase):
    def test_the_mirror_is_the_one_of_the_machine(self):
        targets = ("http://near.example/debian-security/ main\nhttps://other.example/apt main\n"
                   "http://near.example/debian/ contrib\nhttp://near.example/debian/ main\n")
        self.assertEqual(kernels.debian_mirror(targets), "http://near.example/debian/")
        self.assertIsNone(kernels.debian_mirror("https://other.example/ubuntu/ main\n"))

    def test_only_what_reaches_a_mirror_is_taken_from_the_machine(self):
        taken = [line for line in ('Acquire::http::Proxy "http://proxy:3128/";', "Acquire::Retries \"3\";",
                                   'Acquire::IndexTargets::deb::DEP-11 "";', 'APT::Update::Post-Invoke:: "evil";')
                 if kernels.TRANSPORT.match(line)]
        self.assertEqual(taken, ['Acquire::http::Proxy "http://proxy:3128/";', 'Acquire::Retries "3";'])

    def test_a_split_kernel_is_followed_to_its_parts(self):
        needs = {"linux-image-cloud-amd64": ["linux-image-7.2.1-cloud-amd64"],
                 "linux-image-7.2.1-cloud-amd64": ["linux-binary-7.2.1-cloud-amd64", "linux-modules-7.2.1-cloud-amd64",
                                                   "kmod"],
                 "linux-binary-7.2.1-cloud-amd64": ["linux-base"]}
        self.assertEqual(kernels.packages_of(lambda package: needs.get(package, [])),
                         ["busybox-static", "linux-image-7.2.1-cloud-amd64", "linux-binary-7.2.1-cloud-amd64",
                          "linux-modules-7.2.1-cloud-amd64"])

    def test_both_layouts_of_packages_are_known(self):
        for files in (("boot/vmlinuz-5.10", "lib/modules/5.10/kernel", "bin/busybox"),
                      ("usr/lib/modules/7.2/vmlinuz", "usr/lib/modules/7.2/kernel", "usr/bin/busybox")):
            with tempfile.TemporaryDirectory() as name:
                root = pathlib.Path(name)
                for file in files:
                    (root / file).parent.mkdir(parents=True, exist_ok=True)
                    (root / file).touch()
                facts = kernels.describe_unpacked(root)
                self.assertEqual(facts["image"], files[0])
                self.assertEqual(facts["busybox"], files[2])
                (root / files[0]).unlink()
                with self.assertRaises(kernels.Refusal):
                    kernels.describe_unpacked(root)

    def test_a_kernel_that_was_fetched_is_not_fetched_again(self):
        with tempfile.TemporaryDirectory() as name, unittest.mock.patch.dict("os.environ", NETIO_VM_CACHE=name), \
                unittest.mock.patch.object(kernels, "fetch", side_effect=AssertionError("fetched")):
            folder = pathlib.Path(name) / "linux-6.1"
            folder.mkdir()
            (folder / "kernel.json").write_text(
                '{"release": "6.1.0-9", "image": "i", "modules": "m", "busybox": "b"}', encoding="utf-8")
            self.assertEqual(kernels.get("6.1").release, "6.1.0-9")
            with self.assertRaises(AssertionError):
                kernels.get("6.12")
            with self.assertRaises(kernels.Refusal):
                kernels.get("6.2")


class Archives(unittest.TestCase):
    def entries(self, archive):
        """[(name, mode, content)] of a cpio archive in the "newc" format."""
        content, at, found = archive.finished(), 0, []
        while True:
            fields = [int(content[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
            self.assertEqual(content[at:at + 6], b"070701")
            name_at, data_at = at + 110, (at + 110 + fields[11] + 3) // 4 * 4
            name = content[name_at:name_at + fields[11] - 1].decode()
            if name == "TRAILER!!!":
                return found
            found.append((name, fields[1], content[data_at:data_at + fields[6]]))
            at = (data_at + fields[6] + 3) // 4 * 4

    def test_parents_come_first_and_once(self):
        archive = initramfs.Archive()
        archive.file("/a/b/one", b"12345")
        archive.file("/a/b/two", b"")
        archive.file("/a/b/one", b"again")
        self.assertEqual(self.entries(archive), [("a", 0o040755, b""), ("a/b", 0o040755, b""),
                                                 ("a/b/one", 0o100755, b"12345"), ("a/b/two", 0o100755, b"")])

    def test_modules_come_after_what_they_need(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name) / "kernel" / "net"
            folder.mkdir(parents=True)
            (folder / "top.ko").write_bytes(b"\x7fELF\0license=GPL\0depends=mid-dle,built_in\0name=top\0")
            (folder / "mid-dle.ko.xz").write_bytes(lzma.compress(b"\0depends=base\0"))
            (folder / "base.ko").write_bytes(b"\0depends=\0")
            (folder / "other.ko").write_bytes(b"\0depends=\0")
            order = initramfs.modules_in_order(pathlib.Path(name), ["top", "mid_dle", "part_of_the_kernel"])
            self.assertEqual([module for module, _ in order], ["base", "mid_dle", "top"])
            self.assertEqual(order[1][1], b"\0depends=base\0")

    def test_a_program_brings_its_libraries(self):
        libraries = initramfs.libraries_of(sys.executable)
        self.assertTrue(any("libc.so" in library for library in libraries))
        self.assertTrue(any("ld-linux" in library for library in libraries))

    def test_arguments_and_environment_reach_the_shell_unchanged(self):
        words = ["printf", "%s|", "a b", "it's", "$HOME", "", "*"]
        with tempfile.TemporaryDirectory() as folder:
            script = initramfs.command_script(words, {"A": "x 'y' $z", "PATH": "/usr/bin:/bin"}, folder)
            told = subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, check=True, text=True).stdout
            self.assertEqual(told, "a b|it's|$HOME||*|")
            script = initramfs.command_script(["printenv", "A"], {"A": "x 'y' $z", "PATH": "/usr/bin:/bin"}, folder)
            told = subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, check=True, text=True).stdout
            self.assertEqual(told, "x 'y' $z\n")


class Repeating(unittest.TestCase):
    """guest.run, with boots that are told how to end."""

    def run_with(self, boots, hold=True, accelerator="tcg"):
        boots, said, written = list(boots), [], []

        def boot(settings, kind, image, sink):
            output, end = boots.pop(0)
            if output:
                sink("out", output)
            if isinstance(end, Exception):
                raise end
            return end

        settings = guest.Settings(None)
        settings.accelerator = accelerator
        sink = guest.Sink(hold)
        with unittest.mock.patch.object(guest, "boot_once", boot), \
                unittest.mock.patch.object(sink, "write", lambda channel, data: written.append(data)):
            try:
                end = guest.run(settings, b"", sink, said.append)
            except guest.Death as death:
                end = death
        return end, b"".join(written), said, len(boots)

    crash = guest.Death("QEMU ended", "[1.0] general protection fault: 0000 [#1]\n[1.1] Kernel panic - not syncing")

    def test_the_exit_code_is_the_programs(self):
        self.assertEqual(self.run_with([(b"words", 7)]), (7, b"words", [], 0))

    def test_a_crash_is_repeated_twice_and_said(self):
        end, written, said, left = self.run_with([(b"lost", self.crash), (b"lost too", self.crash), (b"kept", 3)])
        self.assertEqual((end, written, len(said), left), (3, b"kept", 2, 0))
        end, written, said, left = self.run_with([(b"1", self.crash), (b"2", self.crash), (b"3", self.crash), (b"", 0)])
        self.assertEqual((end, written, len(said), left), (self.crash, b"3", 2, 1))

    def test_what_somebody_has_seen_is_not_repeated(self):
        self.assertEqual(self.run_with([(b"seen", self.crash), (b"", 0)], hold=False)[0], self.crash)
        self.assertEqual(self.run_with([(b"", self.crash), (b"", 0)], hold=False)[0], 0)

    def test_only_crashes_under_emulation_are_repeated(self):
        hang = guest.Death("no end after 600 s", "nothing special\n")
        self.assertEqual(self.run_with([(b"", hang), (b"", 0)])[0], hang)
        self.assertEqual(self.run_with([(b"", self.crash), (b"", 0)], accelerator="kvm")[0], self.crash)


class Lines(unittest.TestCase):
    """What tools/vm/matrix makes of a guest's output."""

    tiers = matrix.Guest("6.1", "", matrix.TIERS)

    def test_cases_are_counted_by_tier(self):
        output = ("ok 1 - tiers: fentry, zerocopy\nchatter\nnot ok 2 - tiers: tracepoint, zerocopy\n"
                  "ok 3 - tiers: kprobe, zerocopy # SKIP not permitted\nok 4 - causes: a tap\n1..4\n")
        locked = matrix.Guest("6.12", matrix.LOCKDOWN, "tiers")
        lines = matrix.lines_of(locked, output, 1)
        self.assertEqual({tier: (line.passed, len(line.failed), line.skipped) for tier, line in lines.items()},
                         {"fentry": (1, 0, {}), "tracepoint": (0, 1, {}), "auto": (1, 0, {}),
                          "kprobe": (0, 0, {"not permitted": ["tiers: kprobe, zerocopy"]})})

    def test_a_tier_that_a_kernel_has_may_not_be_skipped(self):
        lines = matrix.lines_of(self.tiers, "ok 1 - tiers: fentry, zerocopy # SKIP refused\n1..1\n", 0)
        self.assertEqual((lines["fentry"].passed, lines["fentry"].skips(), len(lines["fentry"].failed)), (0, 0, 1))

    def test_a_guest_that_tells_of_no_test_has_failed(self):
        for output, code in (("", 0), ("", 125), ("ok 1 - tiers: fentry, zerocopy\n", 125), ("1..0\n", 0),
                             ("ok 1 - tiers: fentry, zerocopy\n1..1\n", 1)):
            lines = matrix.lines_of(self.tiers, output, code)
            self.assertEqual(len(lines["auto"].failed), 1, output)

    def test_the_page(self):
        line = matrix.Line(3, ["tiers: kprobe, zerocopy"], {"no such tracepoint": ["a", "b"]})
        text, failed = matrix.page({"6.12": {"kprobe": line}, "6.1": {"fentry": matrix.Line(4)}})
        self.assertEqual(text.splitlines()[1:],
                         ["6.1               fentry        4        0       0",
                          "6.12              kprobe        4        2       1",
                          "    skipped (2): no such tracepoint", "    failed tiers: kprobe, zerocopy",
                          "7 passed, 1 failed, 2 skipped"])
        self.assertTrue(failed)

    def test_options(self):
        self.assertEqual(len(matrix.guests(matrix.parse([]))), len(matrix.GUESTS) + 4)
        self.assertEqual([g.label() for g in matrix.guests(matrix.parse(["--kernel", "6.12", "--tests", "tiers"]))],
                         ["6.12", "6.12 lockdown"])
        with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
            matrix.parse(["--kernel", "6.2"])


if __name__ == "__main__":
    unittest.main()
