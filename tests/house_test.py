#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The house checks, held against trees that break each rule."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
SPDX = "// SPDX-License-Identifier: MIT\n"
TEMPORARY = "/" + "tmp"
WORKPLACE = "/" + "work"


class Tree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def git(self, *arguments):
        subprocess.run(["git", "-C", self.root, *arguments], check=True, capture_output=True)

    def check(self, script):
        done = subprocess.run([sys.executable, HERE / script, "--root", self.root], capture_output=True, text=True)
        return done.returncode, done.stdout.splitlines()


class Layers(Tree):
    def include(self, name, header):
        self.write(name, SPDX + f"#include {header}\n")

    def assert_wrong(self, line):
        code, lines = self.check("check-layers")
        self.assertEqual((code, lines[0]), (1, line))

    def assert_right(self):
        code, lines = self.check("check-layers")
        self.assertEqual(code, 0, lines)

    def test_downwards_is_right(self):
        self.include("src/app/main.cpp", '"probes/catalogue.h"')
        self.include("src/probes/a.cpp", '"kernel/symbols.h"')
        self.include("src/workload/a.cpp", '"stats/histogram.h"')
        self.include("src/base/a.cpp", '"base/text.h"')
        self.include("src/base/b.cpp", "<vector>")
        self.assert_right()

    def test_upwards_is_wrong(self):
        self.include("src/base/a.cpp", '"model/site.h"')
        self.assert_wrong("src/base/a.cpp:2: base -> model: base may use nothing")

    def test_sideways_is_wrong(self):
        self.include("src/perf/a.cpp", '"kernel/symbols.h"')
        self.assert_wrong("src/perf/a.cpp:2: perf -> kernel: perf may use base model")

    def test_workload_knows_no_probes(self):
        self.include("src/workload/a.h", '"probes/catalogue.h"')
        self.assert_wrong("src/workload/a.h:2: workload -> probes: workload may use base model stats")

    def test_only_probes_includes_libbpf(self):
        self.include("src/probes/a.cpp", "<bpf/libbpf.h>")
        self.include("src/probes/b.cpp", '"netio_fentry.skel.h"')
        self.include("src/probes/c.cpp", '"netio_abi.h"')
        self.assert_right()
        for header in ("<bpf/libbpf.h>", '"netio_fentry.skel.h"', '"netio_abi.h"'):
            self.include("src/app/a.cpp", header)
            self.assert_wrong(
                f'src/app/a.cpp:2: app -> {header[1:-1]}: only probes may include libbpf and skeletons')

    def test_a_header_without_module_is_wrong(self):
        self.include("src/base/a.cpp", '"text.h"')
        self.assert_wrong('src/base/a.cpp:2: text.h: write "module/file.h", with a module of src/')

    def test_an_unknown_module_is_wrong(self):
        self.include("src/misc/a.cpp", "<vector>")
        self.assert_wrong("src/misc/a.cpp: misc is not a module of tests/check-layers")

    def test_an_empty_tree_is_not_a_pass(self):
        self.assertEqual(self.check("check-layers")[0], 1)


class House(Tree):
    def assert_only(self, line):
        code, lines = self.check("check-house")
        self.assertEqual((code, lines[:-1]), (1, [line]))

    def test_a_clean_tree_passes(self):
        self.write("src/base/a.cpp", SPDX + "int a;\n" * 499)
        self.write("tools/run", "#!/bin/sh\n# SPDX-License-Identifier: MIT\n")
        self.write("README.md", "no licence line needed\n")
        self.assertEqual(self.check("check-house")[0], 0)

    def test_no_licence_line(self):
        self.write("src/base/a.cpp", "int a;\n")
        self.assert_only("src/base/a.cpp:1: no SPDX-License-Identifier in the first two lines")

    def test_a_script_is_a_source(self):
        self.write("tools/run", "#!/bin/sh\n")
        self.assert_only("tools/run:1: no SPDX-License-Identifier in the first two lines")

    def test_a_long_file(self):
        self.write("bpf/a.h", SPDX + "int a;\n" * 500)
        self.assert_only("bpf/a.h:501: 501 lines, over 500: one concept per file")

    def test_kernel_types_may_be_long(self):
        self.write("bpf/vmlinux.h", SPDX + "int a;\n" * 900)
        self.assertEqual(self.check("check-house")[0], 0)

    def test_a_path_of_one_machine(self):
        for path in (TEMPORARY, TEMPORARY + "/x", WORKPLACE + "/main"):
            self.write("docs/a.md", f"first\nsee {path}\n")
            self.assert_only("docs/a.md:2: an absolute path of one machine")

    def test_a_path_that_only_looks_like_one(self):
        self.write("docs/a.md", f"src{WORKPLACE}load and https://host{TEMPORARY}/a and ${{X}}{TEMPORARY} {WORKPLACE}load\n")
        self.assertEqual(self.check("check-house")[0], 0)

    @unittest.skipUnless(shutil.which("git"), "needs git")
    def test_a_tracked_generated_file(self):
        self.git("init", "-q")
        self.write("bpf/a.skel.h", SPDX)
        self.git("add", "-f", "bpf/a.skel.h")
        self.assert_only("bpf/a.skel.h:1: a generated file is tracked")

    @unittest.skipUnless(shutil.which("git"), "needs git")
    def test_an_ignored_file_is_not_looked_at(self):
        self.git("init", "-q")
        self.write(".gitignore", "build*/\n")
        self.write("build/a.cpp", "int a;\n")
        self.assertEqual(self.check("check-house")[0], 0)

    def test_an_empty_tree_is_not_a_pass(self):
        self.assertEqual(self.check("check-house")[0], 1)

class Count(Tree):
    """tools/count-tests, on which the closing line of tools/check rests."""

    def count(self, *tests):
        self.write("log.json", "".join(json.dumps({"duration": 1.5, **test}) + "\n" for test in tests))
        return self.run_on("log.json")

    def run_on(self, log, *options):
        script = HERE.parent / "tools" / "count-tests"
        done = subprocess.run([sys.executable, script, *options, self.root / log], capture_output=True, text=True,
                              check=True)
        return done.stdout.strip()

    def doctest(self, result, passed, failed, skipped):
        line = f"[doctest] test cases: {passed + failed} | {passed} passed | {failed} failed | {skipped} skipped\n"
        return {"name": "unit", "result": result, "stdout": line}

    def test_a_doctest_program_counts_its_cases(self):
        self.assertEqual(self.count(self.doctest("OK", 44, 0, 2)), "44 0 2")
        self.assertEqual(self.count(self.doctest("FAIL", 40, 4, 0)), "40 4 0")

    def test_a_program_that_counted_no_failure_and_ended_badly_failed_once(self):
        self.assertEqual(self.count(self.doctest("FAIL", 44, 0, 0)), "44 1 0")
        self.assertEqual(self.count(self.doctest("TIMEOUT", 3, 0, 0)), "3 1 0")

    def test_a_tap_program_counts_its_lines(self):
        output = "1..4\nok 1 a\nok 2 b # SKIP no device\nnot ok 3 c\nok 4 d\n"
        self.assertEqual(self.count({"name": "tap", "result": "FAIL", "stdout": output}), "2 1 1")

    def test_tap_goes_before_doctest(self):
        doctest = "[doctest] test cases: 2 | 2 passed | 0 failed | 40 skipped\n"
        output = "ok 1 - a\nok 2 - b # SKIP no kprobes\n1..2\n" + doctest
        test = {"name": "tiers", "result": "OK", "stdout": output}
        self.assertEqual(self.count(test), "1 0 1")
        self.assertEqual(self.run_on("log.json", "--list"), "skipped: b: no kprobes")

    def test_any_other_test_counts_one(self):
        tests = [{"name": result, "result": result} for result in ("OK", "FAIL", "ERROR", "TIMEOUT", "SKIP")]
        self.assertEqual(self.count(*tests), "1 3 1")
        self.assertEqual(self.count({"name": "a", "result": "EXPECTEDFAIL"}), "1 0 0")
        self.assertEqual(self.count({"name": "a", "result": "UNEXPECTEDPASS"}), "0 1 0")

    def test_no_log_is_no_test(self):
        self.assertEqual(self.run_on("missing.json"), "0 0 0")

    def test_the_list_names_what_did_not_pass(self):
        self.count({"name": "a", "result": "OK"}, {"name": "b", "result": "TIMEOUT"})
        self.assertEqual(self.run_on("log.json", "--list"), "timeout: b (1.5 s)")


if __name__ == "__main__":
    unittest.main()
