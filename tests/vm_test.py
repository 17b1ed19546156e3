#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/vm: what it reads and writes, without a kernel, QEMU or the network."""
import contextlib
import copy
import importlib.machinery
import importlib.util
import io
import json
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
import builds  # noqa: E402
import guest  # noqa: E402
import guests  # noqa: E402
import initramfs  # noqa: E402
import kernels  # noqa: E402
import link  # noqa: E402
import machines  # noqa: E402
import refusal  # noqa: E402
import sysroot  # noqa: E402


def program(name):
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(VM / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    sys.modules[loader.name] = module  # dataclasses look there
    loader.exec_module(module)
    return module


matrix = program("matrix")
demo = program("demo-zerocopy")
kernels_page = program("kernels-page")
instructions = program("instructions")
run_vm = program("run-vm")


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
        self.assertEqual(kernels.packages_of(lambda package: needs.get(package, []), machines.X86.kernel),
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


def elf(machine, kind=2):
    """The beginning of a program for 64 bits."""
    return b"\x7fELF\2\1\1" + bytes(9) + bytes([kind, 0]) + machine.to_bytes(2, "little") + bytes(44)


class Machines(unittest.TestCase):
    """Guests of another architecture."""

    def test_kernels_of_another_architecture_have_their_own_folder(self):
        fetched = []

        def fetch(name, folder, say, machine):
            fetched.append((name, folder.name, machine.debian))
            folder.mkdir(parents=True)
            (folder / "kernel.json").write_text('{"release": "6", "image": "i", "modules": "m", "busybox": "b"}',
                                                encoding="utf-8")

        with tempfile.TemporaryDirectory() as name, unittest.mock.patch.dict("os.environ", NETIO_VM_CACHE=name), \
                unittest.mock.patch.object(kernels, "fetch", fetch):
            self.assertIs(kernels.get("6.12").machine, machines.X86)
            self.assertIs(kernels.get("6.12", machine=machines.ARM64).machine, machines.ARM64)
            kernels.get("6.12", machine=machines.ARM64)
        self.assertEqual(fetched, [("6.12", "linux-6.12", "amd64"), ("6.12", "linux-6.12-arm64", "arm64")])

    def test_apt_is_told_the_architecture(self):
        text = kernels.apt_configuration("folder", "", "arm64")
        self.assertIn('APT::Architecture "arm64";', text)
        self.assertIn('APT::Architectures { "arm64"; };', text)

    def test_a_program_of_another_architecture_is_refused_with_the_option_for_it(self):
        with tempfile.TemporaryDirectory() as name:
            build = pathlib.Path(name)
            (build / "netio-trace").write_bytes(elf(183))
            self.assertEqual(builds.find(build, machine=machines.ARM64), build.resolve())
            with self.assertRaises(refusal.Refusal) as refused:
                builds.find(build)
            self.assertIn("--arch arm64", str(refused.exception))
            (build / "netio-trace").write_bytes(elf(243))
            with self.assertRaises(refusal.Refusal) as refused:
                builds.find(build, machine=machines.ARM64)
            self.assertNotIn("--arch", str(refused.exception))

    def test_where_there_is_no_build_it_says_how_to_make_one(self):
        with tempfile.TemporaryDirectory() as name, self.assertRaises(refusal.Refusal) as refused:
            builds.find(pathlib.Path(name), machine=machines.ARM64)
        self.assertIn("tools/vm/cross-arm64", str(refused.exception))

    def command(self, machine, accelerator):
        kernel = unittest.mock.Mock(machine=machine, image="image")
        boot = guest.Guest.__new__(guest.Guest)
        boot.console = "log"
        with unittest.mock.patch.object(guest, "need", lambda program, package: program):
            return boot.command(guest.Settings(kernel), accelerator, "initramfs", [7, 8, 9])

    def test_each_is_emulated_in_its_own_way(self):
        for machine, emulator, console in ((machines.X86, "qemu-system-x86_64", "ttyS0"),
                                           (machines.ARM64, "qemu-system-aarch64", "ttyAMA0")):
            command = self.command(machine, "tcg")
            self.assertEqual(command[0], emulator)
            self.assertIn(f"console={console}", command[command.index("-append") + 1].split())
            self.assertEqual("-icount" in command, machine is machines.ARM64)
        self.assertNotIn("-icount", self.command(machines.ARM64, "kvm"))

    def test_kvm_is_for_guests_of_this_machine(self):
        settings = guest.Settings(unittest.mock.Mock(machine=machines.ARM64))
        options = run_vm.parse(["--arch", "arm64", "--kernel", "6.12", "--accel", "kvm", "true"])
        with unittest.mock.patch.object(machines.platform, "machine", lambda: "x86_64"):
            self.assertFalse(guest.kvm_works(settings, None))
            with self.assertRaises(refusal.Refusal):
                run_vm.accelerator_of(options, settings)


class Sysroots(unittest.TestCase):
    """Libraries of another architecture."""

    def test_links_do_not_leave_it(self):
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            (root / "lib").mkdir()
            (root / "usr/lib").mkdir(parents=True)
            (root / "lib/libz.so.1").write_bytes(b"z")
            (root / "usr/lib/libz.so").symlink_to("/lib/libz.so.1")
            (root / "usr/lib/libz.so.1").symlink_to("../../lib/libz.so.1")
            sysroot.make_links_relative(root)
            for link_name in ("libz.so", "libz.so.1"):
                self.assertFalse((root / "usr/lib" / link_name).readlink().is_absolute())
                self.assertEqual((root / "usr/lib" / link_name).read_bytes(), b"z")

    def test_the_suite_is_the_machines_own(self):
        with tempfile.NamedTemporaryFile("w+") as file:
            file.write('NAME="Debian GNU/Linux"\nVERSION_CODENAME=bookworm\n')
            file.flush()
            self.assertEqual(sysroot.this_suite(file.name), "bookworm")
            with self.assertRaises(refusal.Refusal):
                sysroot.this_suite(file.name + ".not")

    def test_a_program_brings_the_loader_and_what_its_libraries_need(self):
        needs = {"program": ["libb.so.1"], "libb.so.1": ["libc.so.6"], "libc.so.6": ["ld.so.1"], "ld.so.1": []}
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            folder = root / "lib/aarch64-linux-gnu"
            folder.mkdir(parents=True)
            for library in list(needs)[1:]:
                (folder / library).touch()
            (root / "lib/ld.so.1").symlink_to("aarch64-linux-gnu/ld.so.1")
            with unittest.mock.patch.object(sysroot, "needs_of", lambda path: needs[pathlib.Path(path).name]), \
                    unittest.mock.patch.object(sysroot, "interpreter_of", lambda path: ["/lib/ld.so.1"]):
                libraries = sysroot.Libraries(root, machines.ARM64)
                found = libraries.of("program")
                self.assertEqual(sorted(found), ["/lib/aarch64-linux-gnu/ld.so.1", "/lib/aarch64-linux-gnu/libb.so.1",
                                                 "/lib/aarch64-linux-gnu/libc.so.6", "/lib/ld.so.1"])
                needs["libc.so.6"] = ["libmissing.so"]
                with self.assertRaises(refusal.Refusal):
                    libraries.of("program")

    def test_what_a_program_says_of_itself(self):
        self.assertIn("libc.so.6", sysroot.needs_of(sys.executable))
        self.assertEqual(len(sysroot.interpreter_of(sys.executable)), 1)


def counted_report(arm, mode, size, instructions, cycles=0, messages=100):
    """What tools/vm/instructions reads of a report: instructions and cycles of each role and space."""
    rows = [{"role": role, "event": event, "user": value, "kernel": value}
            for role in ("server", "client") for event, value in (("instructions", instructions), ("cycles", cycles))]
    return {"spec": {"mode": mode, "size_bytes": size}, "counters": rows,
            "capture": {"server": {"connections": [{"messages": messages}]}},
            "environment": {"kernel_release": "6.12.1"}, "ledger": {"payload_bytes": 1000},
            "coverage": [{"tier": "none" if arm == "none" else "fentry"}, {"tier": "none"}]}


class Instructions(unittest.TestCase):
    """tools/vm/instructions."""

    options = instructions.parse(["--modes", "one-copy", "--sizes", "256"])

    def boots(self, traced=(1100, 1100), untraced=(1000, 1000)):
        return [{("none", "one-copy", 256): counted_report("none", "one-copy", 256, plain),
                 ("auto", "one-copy", 256): counted_report("auto", "one-copy", 256, probed)}
                for plain, probed in zip(untraced, traced)]

    def test_what_probes_add_to_a_message(self):
        row = instructions.as_json(self.boots(), self.options)["arms"]["auto"]["rows"][0]
        self.assertEqual((row["untraced"], row["traced"], row["probes"], row["apart"]), (40, 44, 4, 0))
        self.assertAlmostEqual(row["share"], 1 / 11)
        self.assertEqual(row["boots"][0], {"server": 22, "client": 22, "user": 22, "kernel": 22, "all": 44})
        self.assertEqual(instructions.as_json(self.boots(), self.options)["arms"]["auto"]["tier"], "fentry")

    def test_boots_that_disagree_are_told(self):
        result = instructions.as_json(self.boots(untraced=(1000, 1011)), self.options)
        self.assertEqual(len(instructions.breaches(result, 0.01, None)), 1)
        self.assertEqual(instructions.breaches(result, 0.02, None), [])

    def test_probes_that_take_more_than_before_are_told(self):
        result = instructions.as_json(self.boots(), self.options)
        for was, found in ((4.0, 0), (3.9, 0), (3.7, 1), (10.0, 0)):
            before = {"auto": {("one-copy", 256): was}}
            self.assertEqual(len(instructions.breaches(result, 0.01, before)), found, was)
        self.assertEqual(instructions.probes_of(result), {"auto": {("one-copy", 256): 4.0}})

    def test_a_count_that_is_missing_is_no_number(self):
        report = counted_report("none", "one-copy", 256, 1)
        report["counters"][0]["user"] = {"missing": "no PMU"}
        with self.assertRaises(refusal.Refusal) as refused:
            instructions.per_message(report)
        self.assertIn("no PMU", str(refused.exception))

    def staged(self, event="cycles"):
        report = counted_report("stages", "one-copy", 256, 1, cycles=250)
        figures = {"client_per_byte": 0.25, "elsewhere_per_byte": {"missing": "none"}}
        report["profile"] = {"event": event, "not_cycles": "no PMU", "samples": 9, "named_share": 1.0,
                             "stages": [{"name": "data copy", "server_per_byte": 0.7, **figures},
                                        {"name": "locks", "server_per_byte": 0, "client_per_byte": 0}],
                             "total": {"elsewhere_per_byte": 0.1}}
        return report

    def test_stages_are_held_against_the_whole(self):
        column = instructions.stage_column(self.staged())
        self.assertEqual((column["sum"], column["whole"], column["elsewhere"]), (0.95, 1.0, 0.1))
        lines = instructions.stage_table("one-copy", [column])
        self.assertEqual([line.split() for line in lines],
                         [["one-copy", "256", "B"], ["data", "copy", "0.950"], ["sum", "of", "these", "0.950"],
                          ["counted,", "server", "and", "client", "1.000"], ["unattributed", "5.0", "%"],
                          ["network", "code", "in", "other", "tasks", "0.100"]])
        with self.assertRaises(refusal.Refusal):
            instructions.stage_column(self.staged("cpu-clock"))

    def test_the_page_fits_80_columns(self):
        result = instructions.as_json(self.boots((110000000, 110000000), (100000000, 100000000)), self.options)
        result["stages"] = [instructions.stage_column(self.staged()) for _ in range(4)]
        lines = instructions.page(result, {"auto": {("one-copy", 256): 4.0}})
        self.assertLessEqual(max(map(len, lines)), 80)
        self.assertIn("one-copy     256 B  4 000 000  4 400 000   400 000   9.1 %   0.00 %         4", lines)

    def test_the_guest_tells_every_result_behind_its_arm(self):
        reports = [("none", "one-copy", 256), ("auto", "zerocopy", 4096)]
        output = "".join(f"\f{key[0]}\n{json.dumps(counted_report(*key, 1))}" for key in reports)
        self.assertEqual(list(instructions.reports_in("chatter" + output)), reports)
        script = instructions.script(instructions.parse(["--tiers", "fentry,kprobe", "--stages"]), True)
        self.assertEqual([line.split("--tier ")[1].split()[0] for line in script.splitlines() if "--tier " in line],
                         ["none", "fentry", "kprobe"])
        self.assertEqual(script.count("--profile-hz"), 1)
        self.assertEqual(instructions.script(self.options, False).count("--profile-hz"), 0)


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
        locked = matrix.Guest("6.12", guests.LOCKDOWN, "tiers")
        lines = matrix.lines_of(locked, output, 1)
        self.assertEqual({tier: (line.passed, len(line.failed), line.skipped) for tier, line in lines.items()},
                         {"fentry": (1, 0, {}), "tracepoint": (0, 1, {}), "auto": (1, 0, {}),
                          "kprobe": (0, 0, {"not permitted": ["tiers: kprobe, zerocopy"]})})

    def test_a_tier_that_a_kernel_has_may_not_be_skipped(self):
        lines = matrix.lines_of(self.tiers, "ok 1 - tiers: fentry, zerocopy # SKIP refused\n1..1\n", 0)
        self.assertEqual((lines["fentry"].passed, lines["fentry"].skips(), len(lines["fentry"].failed)), (0, 0, 1))

    def test_what_a_kernel_cannot_provoke_is_a_skip(self):
        others = matrix.Guest("5.10", "", matrix.OTHERS)
        lines = matrix.lines_of(others, "ok 1 - provoke: mptcp # SKIP no protocol\nok 2 - loss: none\n1..2\n", 0)
        self.assertEqual((lines["auto"].passed, lines["auto"].skips(), len(lines["auto"].failed)), (1, 1, 0))

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
        self.assertEqual(len(matrix.chosen_guests(matrix.parse([]))), len(guests.TIERS_OF) + 4)
        self.assertEqual([g.label() for g in matrix.chosen_guests(matrix.parse(["--kernel", "6.12", "--tests", "tiers"]))],
                         ["6.12", "6.12 lockdown"])
        with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
            matrix.parse(["--kernel", "6.2"])

    def test_under_lockdown_the_mode_that_needs_all_reads_is_tested(self):
        build = pathlib.Path("build")
        self.assertEqual(matrix.Guest("7", guests.LOCKDOWN, matrix.TIERS).command(build, 9)[-2:],
                         ["--test-suite=tiers", "--test-case=*zerocopy"])
        self.assertEqual(matrix.Guest("7", "", matrix.TIERS).command(build, 9)[-1], "--test-suite=tiers")


class KernelsPage(unittest.TestCase):
    """What tools/vm/kernels-page writes."""

    @staticmethod
    def probe(name, tier, attached, limits="", required=True):
        refused = [] if attached else ["fentry/a_function: not allowed here", "fentry/another: not allowed here"]
        return {"probe": name, "required": required, "tier": tier if attached else "none", "attached": attached,
                "refused": refused, "limits": limits}

    def said(self, release, fentry, limits=""):
        tiers = {"fentry": [self.probe("late-copy", "fentry", fentry),
                            self.probe("retransmit", "tracepoint", "tp_btf/tcp_retransmit_skb", required=False)],
                 "kprobe": [self.probe("late-copy", "kprobe", "")],
                 "tracepoint": [self.probe("late-copy", "tracepoint", "tp_btf/net_dev_queue", limits)]}
        chosen = tiers["fentry"] if fentry else tiers["tracepoint"]
        return {"environment": {"kernel_release": release}, "tiers": tiers, "probes": chosen}

    def test_a_table_of_each_kind(self):
        found = {"5.10": self.said("5.10.0-32", "fentry/skb_copy_ubufs"), "6.12 lockdown": self.said("6.12.1", "", "half")}
        text = kernels_page.page(found)
        for line in ("| 5.10 | 5.10.0-32 | 2 of 2 probes | no: not allowed here | 1 of 1 probes | fentry |",
                     "| 6.12 lockdown | 6.12.1 | no: not allowed here | no: not allowed here | 1 of 1 probes | tracepoint |",
                     "| late-copy | tracepoint | bytes of each packet, and the pages that were allocated for them |",
                     "| tracepoint | late-copy | half | 6.12 lockdown |", "| late-copy | `skb_copy_ubufs` | all |",
                     "| retransmit | `tcp_retransmit_skb` (tracepoint) | all |", "| late-copy | `net_dev_queue` | all |"):
            self.assertIn(line, text.splitlines())
        self.assertNotIn("Hooks of the kprobe tier", text)


def report_of(sent, late, silent, told, calls=1009):
    """What demo-zerocopy reads of a report."""
    return {"complete": True,
            "ledger": {"payload_bytes": sent, "send_calls": calls, "unexplained_bytes": 0},
            "witnesses": {"told_calls": calls, "told_copied_calls": told, "moved_flagged_bytes": late - silent,
                          "moved_silent_bytes": silent, "moved_clone_bytes": 0},
            "capture": {"late_copies": [{"bytes": late}] if late else [],
                        "sockets": [{"role": "server", "sites": {"transmit-zerocopy": {"bytes": sent}}},
                                    {"role": "client", "sites": {"transmit-zerocopy": {"bytes": 7}}}]}}


class ControlExperiment(unittest.TestCase):
    """tools/vm/demo-zerocopy."""

    sent = 16531456
    missing = {"missing": "probe late-copy was not attached"}

    def reports(self):
        return {"virtio": report_of(self.sent, 0, 0, 0), "veth": report_of(self.sent, self.sent, 0, 1009)}

    def changed(self, path, part, key, value):
        reports = copy.deepcopy(self.reports())
        (reports[path][part] if part else reports[path])[key] = value
        return demo.breaches(reports)

    def test_it_holds_where_the_nic_copies_nothing_and_the_pair_all(self):
        self.assertEqual(demo.breaches(self.reports()), [])
        again = self.reports()
        again["veth"]["capture"]["late_copies"].append({"bytes": 1448})  # a retransmission is copied again
        self.assertEqual(demo.breaches(again), [])
        self.assertTrue(demo.conclusion(again).startswith("The same program"))

    def bounced(self, silent, told, causes):
        reports = self.reports()
        reports["virtio"] = report_of(self.sent, silent, silent, told)
        reports["virtio"]["causes"] = [{"cause": cause} for cause in causes]
        return reports

    def test_a_nic_that_reaches_no_memory_copies_all_without_a_word(self):
        holds = self.bounced(self.sent, 0, ["bounce-buffer"])
        self.assertEqual(demo.breaches(holds, True), [])
        self.assertTrue(demo.conclusion(holds, True).startswith("The NIC reaches no memory"))
        self.assertLessEqual(max(map(len, demo.conclusion(holds, True).splitlines())), 80)
        self.assertNotEqual(demo.breaches(holds), [])
        for silent, told, causes in ((self.sent - 1, 0, ["bounce-buffer"]), (self.sent, 1, ["bounce-buffer"]),
                                     (self.sent, 0, []), (self.sent, 0, ["bounce-buffer", "unclassified"])):
            self.assertEqual(len(demo.breaches(self.bounced(silent, told, causes), True)), 1, (silent, told, causes))

    def test_it_fails_on_each_figure_alone(self):
        copied = [{"bytes": 1}]
        for path, part, key, value in (
                ("virtio", "capture", "late_copies", copied), ("virtio", "witnesses", "moved_silent_bytes", 1),
                ("virtio", "witnesses", "moved_flagged_bytes", 1), ("virtio", "witnesses", "moved_clone_bytes", 1),
                ("virtio", "witnesses", "told_copied_calls", 1), ("virtio", "witnesses", "told_calls", 1008),
                ("virtio", "ledger", "unexplained_bytes", 1), ("virtio", "", "complete", False),
                ("virtio", "capture", "sockets", []), ("virtio", "ledger", "payload_bytes", 0),
                ("veth", "capture", "late_copies", copied), ("veth", "witnesses", "told_copied_calls", 1008),
                ("veth", "ledger", "unexplained_bytes", 1), ("veth", "", "complete", False)):
            self.assertEqual(len(self.changed(path, part, key, value)), 1, (path, key))

    def test_what_was_not_measured_does_not_hold(self):
        for path, part, key in (("virtio", "witnesses", "moved_silent_bytes"), ("virtio", "witnesses", "told_copied_calls"),
                                ("virtio", "ledger", "unexplained_bytes"), ("veth", "ledger", "unexplained_bytes")):
            self.assertEqual(len(self.changed(path, part, key, self.missing)), 1, (path, key))

    def test_the_table_fits_80_columns(self):
        text = demo.table(self.reports())
        self.assertLessEqual(max(map(len, text.splitlines())), 80)
        self.assertEqual(text.splitlines()[0].split(), ["virtio", "NIC", "veth", "pair"])
        self.assertRegex(text, r"copied late, inside the kernel +0 B +0 % +16 531 456 B +100 %")
        self.assertRegex(text, r'sends told "copied" +0 of 1 009 +0 % +1 009 of 1 009 +100 %')
        reports = self.reports()
        reports["virtio"]["witnesses"]["moved_silent_bytes"] = self.missing
        self.assertRegex(demo.table(reports), r"of that silently +n/a B +0 B +0 %")
        self.assertLessEqual(max(map(len, demo.conclusion(self.reports()).splitlines())), 80)

    def test_a_share_is_all_or_nothing_only_when_it_is(self):
        self.assertEqual([demo.percent(part, 16531456) for part in (0, 1, 8265728, 16531455, 16531456)],
                         ["0 %", "0.1 %", "50.0 %", "99.9 %", "100 %"])
        self.assertEqual(demo.percent(5, 0), "")

    def test_pages_stand_side_by_side_where_there_is_room(self):
        self.assertEqual(demo.side_by_side(["a\nb\n", "c\n"]), f"a{' ' * 81}c\nb")
        self.assertFalse(demo.has_room(161))
        self.assertTrue(demo.has_room(162))

    def test_the_receiver_is_started_once_as_the_guest_asks(self):
        started = []
        with unittest.mock.patch.object(demo.subprocess, "Popen", lambda command, **_: started.append(command) or self):
            peer = demo.Peer("/build/netio-client")
            for data in (b"netio-trace: waiting for the receiver; on the other ", b"machine: netio-client --connect ",
                         b"10.98.0.1 --port 5001"):
                peer("err", data)
                self.assertEqual(started, [])
            peer("err", b"\nmore\n")
            peer("out", b"{}")
            self.assertEqual(started, [["/build/netio-client", "--connect", "10.98.0.1", "--port", "5001"]])
            peer.forget()
            self.assertEqual(peer.said, {"out": b"", "err": b""})
            peer("err", b"on the other machine: netio-client --connect 10.98.0.1 --port 5001\n")
            self.assertEqual(len(started), 2)

    def kill(self):
        """Of the receiver that Popen returned."""

    def communicate(self):
        return "", "its last word\n"

    def test_two_reports_or_the_reason(self):
        said = {"out": b'{"a": 1}\f{"b": 2}', "err": b""}
        self.assertEqual(demo.reports_of(0, said, ""), {"virtio": {"a": 1}, "veth": {"b": 2}})
        for code, out, complaint in ((4, said["out"], ""), (0, b'{"a": 1}', "cannot connect")):
            with self.assertRaises(kernels.Refusal) as refused:
                demo.reports_of(code, {"out": out, "err": b"first\nnetio-trace: why\n"}, complaint)
            self.assertIn(f"exit code {code}: netio-trace: why", str(refused.exception))
            self.assertIn(complaint, str(refused.exception))

    def test_the_guest_runs_both_paths_with_the_same_words(self):
        options = demo.parse(["--size", "64K", "--messages", "97"])
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for tool in ("netio-trace", "ip"):
                (folder / tool).write_text(f'#!/bin/sh\necho "{tool} $*" >>"{folder}/log"\n', encoding="utf-8")
                (folder / tool).chmod(0o755)
            script = demo.script_of(options, folder, link.Tap).replace(":/bin", ":/usr/bin:/bin")
            done = subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, check=True)
            words = (folder / "log").read_text(encoding="utf-8").splitlines()
        self.assertEqual(done.stdout, demo.PAGE_BREAK)
        self.assertEqual(words[:2], ["ip addr add 10.98.0.1/24 dev eth0", "ip link set eth0 up"])
        workload = "netio-trace --mode zerocopy --size 64K --messages 97 --json --path "
        self.assertEqual(words[2:], [workload + "remote --bind 10.98.0.1", workload + "veth"])


class Cables(unittest.TestCase):
    """Which namespace a guest's cable is plugged in."""

    def find(self, is_root, refusals):
        tried = []

        def refusal_of(command):
            tried.append(command[1:])
            return refusals[len(tried) - 1]

        with unittest.mock.patch.object(link, "refusal_of", refusal_of):
            try:
                return link.find_way(is_root)[1][1:], tried
            except kernels.Refusal as refusal:
                return str(refusal), tried

    user = ["--user", "--map-root-user", "--net"]

    def test_root_needs_no_user_namespace_and_others_do(self):
        self.assertEqual(self.find(True, [""]), (["--net"], [["--net"]]))
        self.assertEqual(self.find(False, [""]), (self.user, [self.user]))
        self.assertEqual(self.find(True, ["not permitted", ""]), (self.user, [["--net"], self.user]))

    def test_where_there_is_none_every_refusal_is_told(self):
        text, tried = self.find(True, ["reason one", "reason two"])
        self.assertEqual(len(tried), 2)
        for part in ("unshare --net: reason one", "unshare --user --map-root-user --net: reason two", "; try: "):
            self.assertIn(part, text)
        self.assertIn("unshare --user --map-root-user --net: no", self.find(False, ["no"])[0])

    def test_a_trial_tells_why_it_failed(self):
        self.assertIn("not permitted here", link.refusal_of(["sh", "-c", "echo not permitted here >&2; exit 1"]))
        self.assertEqual(link.refusal_of(["sh", "-c", "exit 3"]), "exit code 3")
        self.assertEqual(link.refusal_of(["true"]), "")

    def test_the_nic_of_a_guest_hangs_on_the_tap(self):
        settings = guest.Settings(None)
        tap = link.Tap.__new__(link.Tap)
        tap.fd = 9
        tap.plug_into(settings)
        self.assertEqual(settings.inherited, [9])
        self.assertIn("tap,id=cable,fd=9,vhost=off", settings.qemu)
        self.assertIn("virtio-net-pci,netdev=cable", settings.qemu)
        self.assertEqual(settings.append, [])

    def test_a_nic_that_reaches_no_memory(self):
        settings = guest.Settings(None)
        tap = link.Tap.__new__(link.Tap)
        tap.fd = 9
        tap.plug_into(settings, True)
        self.assertIn("virtio-net-pci,netdev=cable,iommu_platform=on,disable-legacy=on", settings.qemu)
        self.assertEqual(settings.append, ["swiotlb=force"])


if __name__ == "__main__":
    unittest.main()
