#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/bench: its statistics, its pairs and its page, with a runner that measures nothing."""
import argparse
import contextlib
import importlib.machinery
import importlib.util
import io
import json
import pathlib
import tempfile
import unittest
import unittest.mock
import sys

sys.dont_write_bytecode = True  # the tree may be read-only, and is not ours to fill
PATH = pathlib.Path(__file__).resolve().parent.parent / "tools" / "bench"
LOADER = importlib.machinery.SourceFileLoader("bench", str(PATH))
bench = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench", LOADER))
LOADER.exec_module(bench)

MACHINE = {"cpu_model": "CPU", "cpus": 2, "load_1_minute": 0.5, "kernel_release": "6.1", "machine": "x86_64"}


def sample(pair, arm, rate, code=0, unexplained=0, wall=1.0):
    return {"pair": pair, "arm": arm, "throughput_bits_per_second": rate, "exit_code": code, "wall_seconds": wall,
            "unexplained_bytes": unexplained, "said": ""}


class FakeRunner:
    """Untraced runs at 1 Gb/s, traced ones at 0.9, those with counters at 0.8. Interrupts run number `end`."""

    def __init__(self, end=None, change=lambda arm, done: done):
        self.commands, self.end, self.change = [], end, change
        self.refused = ("fentry", "kprobe")

    def run_overhead(self, options):
        tier = options[options.index("--tier") + 1]
        cost = {"runs_per_send": 3.25, "ns_per_send": 1234.5, "ns_per_byte": 0.0753, "share": 0.0512}
        return (3, 0.1, None, "no") if tier in self.refused else (0, 0.3, {"overhead": cost}, "")

    def run(self, options):
        if "--overhead" in options:
            return self.run_overhead(options)
        if len(self.commands) == self.end:
            raise KeyboardInterrupt
        self.commands.append(options)
        arm = "untraced" if "none" in options else "traced" if "--no-counters" in options else "counters"
        rate = {"untraced": 1e9, "traced": 0.9e9, "counters": 0.8e9}[arm]
        report = {"throughput_bits_per_second": rate, "ledger": {"unexplained_bytes": 0}}
        if arm == "untraced":
            report["ledger"]["unexplained_bytes"] = {"missing": "no probes"}
        wall = 0.1 if arm == "untraced" else 0.35
        return self.change(arm, (4 if arm == "untraced" else 0, wall, report, ""))


class Kernels(unittest.TestCase):
    """Start-up under other kernels."""

    output = ("untraced 0 10.00 10.60\ntraced 0 10.60 13.20\nnoise\nuntraced 4 13.20 13.80\ntraced 0 13.80 16.60\n"
              "untraced 0 16.60 17.20\ntraced 3 17.20 17.30\n")

    def test_samples_are_taken_from_what_the_guest_prints(self):
        samples = bench.startup.samples_in(self.output)
        self.assertEqual([(s["pair"], s["arm"], s["exit_code"]) for s in samples],
                         [(0, "untraced", 0), (0, "traced", 0), (1, "untraced", 4), (1, "traced", 0),
                          (2, "untraced", 0), (2, "traced", 3)])
        self.assertEqual([round(d, 2) for d in bench.pair_differences(samples, "traced")], [2.0, 2.2])

    def test_a_line_for_each_kernel(self):
        lines = bench.start_up_by_kernel({"5.10": (bench.startup.samples_in(self.output), ""), "7": ([], "no mirror")})
        self.assertEqual(lines[1:], ["          Linux 5.10   2.10 s more (2.00 to 2.20, 2 pairs)",
                                     "          Linux 7     n/a: no mirror"])
        self.assertEqual(bench.start_up_by_kernel({}), [])

    def test_the_script_runs_both_in_pairs(self):
        text = bench.startup.script(2, ["--tier", "none"], ["--messages", "1"])
        self.assertIn("for pair in 0 1; do", text)
        self.assertEqual(text.count("netio-trace --tier none"), 1)
        self.assertEqual(text.count("netio-trace --messages 1"), 2)


def options(*arguments):
    return bench.parse(["--seed", "7", "--modes", "zerocopy", "--sizes", "256,16K", "--repeat", "3",
                        "--startup-repeat", "2", *arguments])


def finished(runner=None, *arguments):
    done = bench.Bench(options(*arguments), runner or FakeRunner())
    done.run()
    return done


class Numbers(unittest.TestCase):
    def test_median(self):
        self.assertEqual(bench.median([3, 1, 2]), 2)
        self.assertEqual(bench.median([4, 1, 2, 3]), 2.5)
        self.assertEqual(bench.median([5]), 5)
        self.assertIsNone(bench.median([]))

    def test_quantiles_interpolate(self):
        self.assertEqual([bench.quantile([40, 10, 30, 20, 50], q) for q in (0, 0.25, 0.75, 1)], [10, 20, 40, 50])
        self.assertEqual(bench.quantile([0, 10], 0.25), 2.5)

    def test_ratios_are_of_pairs(self):
        # The ratio of the medians would be 1: the machine was four times as fast for the second pair.
        samples = [sample(0, "traced", 50.0), sample(0, "untraced", 100.0), sample(1, "untraced", 400.0),
                   sample(1, "traced", 300.0)]
        self.assertEqual(bench.pair_ratios(samples, "traced"), [0.5, 0.75])

    def test_half_a_pair_gives_no_ratio(self):
        samples = [sample(0, "traced", 50.0), sample(1, "untraced", 100.0), sample(2, "untraced", None),
                   sample(2, "traced", 50.0), sample(3, "untraced", 100.0), sample(3, "traced", 0.0)]
        self.assertEqual(bench.pair_ratios(samples, "traced"), [])

    def test_each_arm_is_held_against_untraced(self):
        samples = [sample(0, "untraced", 100.0), sample(0, "traced", 50.0), sample(0, "counters", 25.0)]
        self.assertEqual(bench.pair_ratios(samples, "counters"), [0.25])

    def test_differences_leave_out_failed_runs(self):
        samples = [sample(0, "untraced", None, 4, wall=0.25), sample(0, "traced", None, wall=1.0),
                   sample(1, "untraced", None, 4, wall=0.25), sample(1, "traced", None, 3, wall=0.5)]
        self.assertEqual(bench.pair_differences(samples, "traced"), [0.75])

    def test_summary(self):
        samples = [sample(pair, arm, rate) for pair, traced in enumerate([80.0, 90.0, 60.0])
                   for arm, rate in (("untraced", 100.0), ("traced", traced))]
        self.assertEqual(bench.summarise(samples, "traced"), {
            "pairs": 3, "ratio_median": 0.8, "ratio_min": 0.6, "ratio_max": 0.9, "ratio_quartile_1": 0.7,
            "ratio_quartile_3": 0.8500000000000001, "untraced_bits_per_second": 100.0, "arm_bits_per_second": 80.0})
        self.assertEqual(bench.summarise([], "traced")["pairs"], 0)

    def test_aims(self):
        def words(size, low, mid, high, pairs=5):
            return bench.aim_in_words(size, {"pairs": pairs, "ratio_min": low, "ratio_median": mid, "ratio_max": high})
        self.assertEqual(words(16384, 0.96, 0.97, 0.99), "meets 0.95")
        self.assertEqual(words(16384, 0.95, 0.95, 0.95), "meets 0.95")
        self.assertEqual(words(16384, 0.90, 0.97, 0.99), "meets 0.95?")
        self.assertEqual(words(256, 0.70, 0.80, 0.849), "misses 0.85")
        self.assertEqual(words(256, 0.70, 0.80, 0.85), "misses 0.85?")
        self.assertEqual(words(4096, 0.1, 0.1, 0.1), "")
        self.assertEqual(words(256, None, None, None, pairs=0), "not measured")


class Units(unittest.TestCase):
    def test_sizes(self):
        self.assertEqual([bench.parse_size(text) for text in ("8", "16K", "1G")], [8, 16384, 1 << 30])
        for wrong in ("7", "2G", "16k", "", "-8", "1.5K"):
            self.assertRaises(argparse.ArgumentTypeError, bench.parse_size, wrong)
        self.assertEqual([bench.format_size(size) for size in (256, 1000, 4096, 1 << 20)],
                         ["256 B", "1000 B", "4 KiB", "1024 KiB"])

    def test_durations(self):
        self.assertEqual([bench.parse_duration(text) for text in ("500ms", "2s", "1m")], [0.5, 2, 60])
        for wrong in ("0s", "1", "s", "1h"):
            self.assertRaises(argparse.ArgumentTypeError, bench.parse_duration, wrong)

    def test_rates_have_three_digits(self):
        rates = {None: "n/a", 999: "999 b/s", 1500: "1.50 kb/s", 56.44e6: "56.4 Mb/s", 999.4e6: "999 Mb/s",
                 999.6e6: "1.00 Gb/s", 9.996e9: "10.0 Gb/s", 123.4e9: "123 Gb/s"}
        for rate, text in rates.items():
            self.assertEqual(bench.format_rate(rate), text)

    def test_a_missing_figure_is_none(self):
        self.assertEqual(bench.number_or_none({"a": {"b": 0}}, "a", "b"), 0)
        for report in (None, {}, {"a": 1}, {"a": {"b": {"missing": "no probe"}}}, {"a": {"b": True}}):
            self.assertIsNone(bench.number_or_none(report, "a", "b"))


class Runs(unittest.TestCase):
    def test_every_pair_has_both_arms_with_the_same_options(self):
        done = finished()
        self.assertEqual(done.problems, [])
        for cell in done.cells:
            self.assertEqual(sorted((s["pair"], s["arm"]) for s in done.samples[cell]),
                             [(pair, arm) for pair in range(3) for arm in ("traced", "untraced")])
        commands = done.runner.commands
        self.assertEqual(len(commands), 2 * (2 + 3 * 2))
        for first, second in zip(commands[::2], commands[1::2]):
            self.assertEqual([o for o in first if o not in ("--tier", "none")],
                             [o for o in second if o not in ("--tier", "none")])
            self.assertNotEqual("none" in first, "none" in second)

    def test_the_seed_gives_the_order(self):
        self.assertEqual(finished().runner.commands, finished().runner.commands)
        self.assertNotEqual(finished().runner.commands, finished(None, "--seed", "8").runner.commands)
        first_arms = {"none" in command for command in finished(None, "--repeat", "20").runner.commands[::2]}
        self.assertEqual(first_arms, {True, False})

    def test_all_cells_get_a_pair_before_any_gets_its_second(self):
        sizes = [command[3] for command in finished().runner.commands[4:]]
        for at in range(0, len(sizes), 4):
            self.assertEqual(set(sizes[at:at + 4]), {"256", "16384"})

    def test_the_third_arm(self):
        done = finished(None, "--counters")
        self.assertEqual(bench.pair_ratios(done.samples["zerocopy", 256], "counters"), [0.8] * 3)
        self.assertIn("With perf counters as well:", bench.report_lines(done, MACHINE, False))

    def problems(self, changed):
        return finished(FakeRunner(change=changed), "--repeat", "1", "--sizes", "256", "--startup-repeat", "1").problems

    def test_a_failed_run_is_said(self):
        def fail(arm, done):
            return (3, 0.1, None, "first\nthe port is taken") if arm == "traced" else done
        done = finished(FakeRunner(change=lambda arm, done: (4, *done[1:])))
        self.assertIn("Books     0 of 6 traced runs explained every byte and ended with exit code 0",
                      bench.report_lines(done, MACHINE, False))
        self.assertEqual(self.problems(fail), [
            "start-up, traced run of pair 1: exit code 3: the port is taken",
            "zerocopy 256 B, traced run of pair 1: exit code 3: the port is taken"])

    def test_unexplained_bytes_are_said(self):
        def report(value):
            return lambda arm, done: (*done[:2], {**done[2], "ledger": {"unexplained_bytes": value}}, "")
        self.assertIn("zerocopy 256 B, traced run of pair 1: unexplained bytes: -512", self.problems(report(-512)))
        self.assertIn("start-up, traced run of pair 1: unexplained bytes: n/a",
                      self.problems(report({"missing": "lost"})))

    def test_a_run_without_throughput_is_said_where_time_was_measured(self):
        def forget(arm, done):
            return (*done[:2], {"throughput_bits_per_second": {"missing": "no time"}, "ledger": {
                "unexplained_bytes": 0}}, "")
        problems = self.problems(forget)
        self.assertEqual(len(problems), 2)
        self.assertTrue(all(p.startswith("zerocopy 256 B") and "no throughput" in p for p in problems), problems)


class Page(unittest.TestCase):
    def test_table(self):
        lines = bench.report_lines(finished(), MACHINE, False)
        self.assertIn("mode         size  pairs  ratio    min..max   untraced     traced  aim", lines)
        self.assertIn("zerocopy    256 B      3   0.90  0.90..0.90  1.00 Gb/s   900 Mb/s  meets 0.85", lines)
        self.assertIn("zerocopy   16 KiB      3   0.90  0.90..0.90  1.00 Gb/s   900 Mb/s  misses 0.95", lines)
        self.assertIn("veth, 1 connection, runs of 1s after 200ms, 3 pairs, seed 7", lines)
        self.assertIn("Start-up  250 ms more with probes (250 to 250, 2 pairs); 100 ms without", lines)
        self.assertIn("Books     6 of 6 traced runs explained every byte and ended with exit code 0", lines)

    def test_what_the_programs_take_by_mode_and_tier(self):
        done = finished(None, "--modes", "zerocopy,one-copy")
        self.assertEqual(bench.own_cost(done)[1:], [
            "all        fentry      n/a: refused by this kernel", "all        kprobe      n/a: refused by this kernel",
            "zerocopy   tracepoint        3.2      1234   0.075   5.1 %",
            "one-copy   tracepoint        3.2      1234   0.075   5.1 %"])
        self.assertEqual(done.problems, [])
        runner = FakeRunner()
        runner.run_overhead = lambda options: (5, 0.1, None, "first\nno memory")
        done = finished(runner)
        self.assertEqual(done.problems[0], "overhead, zerocopy by fentry: exit code 5: no memory")
        self.assertEqual(bench.own_cost(bench.Bench(options(), FakeRunner())), [])

    def test_80_columns(self):
        def fail(arm, done):
            return 3, 0.1, None, "a long reason, " * 20
        for runner in (FakeRunner(), FakeRunner(change=fail)):
            done = finished(runner, "--counters", "--modes", "per-field")
            for line in bench.report_lines(done, MACHINE, True):
                self.assertLessEqual(len(line), 80, line)

    def test_an_interrupted_bench_keeps_what_was_finished(self):
        # Two pairs of start-up, the first pair of the first cell, and half a pair of the second.
        done = bench.Bench(options(), FakeRunner(end=7))
        self.assertRaises(KeyboardInterrupt, done.run)
        lines = bench.report_lines(done, MACHINE, True)
        self.assertIn("! Interrupted: this is what was finished.", lines)
        self.assertEqual(sorted(len(bench.pair_ratios(s, "traced")) for s in done.samples.values()), [0, 1])
        self.assertEqual(sum("not measured" in line for line in lines), 1)

    def test_nothing_finished(self):
        lines = bench.report_lines(bench.Bench(options(), FakeRunner()), MACHINE, True)
        self.assertIn("zerocopy    256 B      0    n/a         n/a        n/a        n/a  not measured", lines)
        self.assertIn("Start-up  n/a: no pair was finished", lines)

    def test_json_keeps_every_sample(self):
        kept = json.loads(json.dumps(bench.as_json(finished(), MACHINE, False)))
        self.assertEqual(kept["schema_version"], 1)
        self.assertEqual(kept["options"]["seed"], 7)
        self.assertEqual([(c["mode"], c["size_bytes"], len(c["samples"])) for c in kept["cells"]],
                         [("zerocopy", 256, 6), ("zerocopy", 16384, 6)])
        self.assertEqual(kept["cells"][0]["ratios"]["traced"]["ratio_median"], 0.9)
        self.assertEqual(len(kept["startup"]["samples"]), 4)


class Command(unittest.TestCase):
    def test_defaults(self):
        plain, quick = bench.parse([]), bench.parse(["--quick", "--duration", "3s"])
        self.assertEqual((plain.repeat, plain.duration, plain.warmup, plain.path), (7, "1s", "200ms", "veth"))
        self.assertEqual((plain.modes, plain.sizes), (bench.MODES, [256, 4096, 16384, 65536]))
        self.assertEqual((quick.repeat, quick.duration, quick.warmup), (3, "3s", "50ms"))

    def test_wrong_usage(self):
        for wrong in (["--modes", "zero"], ["--sizes", "1"], ["--repeat", "0"], ["--duration", "1"],
                      ["--threads", "x"]):
            with self.assertRaises(SystemExit) as end, contextlib.redirect_stderr(io.StringIO()):
                bench.parse(wrong)
            self.assertEqual(end.exception.code, 2)

    def test_not_root(self):
        with self.assertRaisesRegex(bench.Refusal, "must run as root"):
            bench.program_in(pathlib.Path("build"), 1000)

    def test_no_build(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(bench.Refusal, "netio-trace is not there; try: sudo tools/quickstart"):
                bench.program_in(pathlib.Path(folder), 0)
            with unittest.mock.patch("os.geteuid", return_value=0), contextlib.redirect_stderr(io.StringIO()) as said:
                self.assertEqual(bench.main(["--build", folder]), 3)
        self.assertEqual(said.getvalue().count("\n"), 1)

    def run_main(self, folder, runner, *arguments):
        program = pathlib.Path(folder) / "netio-trace"
        program.touch(mode=0o755)
        with unittest.mock.patch("os.geteuid", return_value=0), contextlib.redirect_stdout(io.StringIO()) as page, \
                unittest.mock.patch.object(bench, "Runner", lambda *_: runner):
            return bench.main(["--build", folder, "--repeat", "1", *arguments]), page.getvalue()

    def test_exit_codes(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "samples.json"
            code, page = self.run_main(folder, FakeRunner(), "--json", str(file))
            self.assertEqual((code, page.count("misses 0.95")), (0, 4))  # a missed aim is no failure
            self.assertEqual(len(json.loads(file.read_text(encoding="utf-8"))["cells"]), 16)
            wrong = FakeRunner(change=lambda arm, done: (5, *done[1:]))
            self.assertEqual(self.run_main(folder, wrong)[0], 4)
            with contextlib.redirect_stderr(io.StringIO()) as said:
                self.assertEqual(self.run_main(folder, FakeRunner(), "--json", folder), (3, ""))
            self.assertIn("Is a directory", said.getvalue())  # said before the runs, not after them
            code, page = self.run_main(folder, FakeRunner(end=3))
            self.assertEqual((code, "Interrupted" in page), (130, True))


class Process(unittest.TestCase):
    """The real runner, on a script in place of netio-trace."""

    def run_script(self, text, seconds=30):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "program"
            program.write_text("#!/bin/sh\n" + text, encoding="utf-8")
            program.chmod(0o755)
            return bench.Runner(program, folder, seconds).run(["--size", "8"])

    def test_a_report_is_read(self):
        code, wall, report, said = self.run_script('printf \'{"size": %s}\' "$2" >"$4"; echo oops >&2; exit 4')
        self.assertEqual((code, report, said), (4, {"size": 8}, "oops"))
        self.assertGreater(wall, 0)

    def test_no_report(self):
        self.assertIsNone(self.run_script("exit 3")[2])
        self.assertIsNone(self.run_script('echo {broken >"$4"')[2])

    def test_a_hang_is_ended(self):
        code, _, _, said = self.run_script("exec sleep 1000", seconds=0.05)
        self.assertEqual((code, said), (-9, "killed: no end after 0 s"))


if __name__ == "__main__":
    unittest.main()
