# SPDX-License-Identifier: MIT
"""How long netio-trace takes to start under another kernel, with probes and without, in QEMU."""
import pathlib
import re
import shlex
import subprocess

RUN_VM = pathlib.Path(__file__).resolve().parent / "run-vm"
# The first run of all fills the page cache. A clock of 10 ms is fine enough for what takes seconds under emulation.
SCRIPT = """uptime() {{ read -r seconds rest </proc/uptime; echo "$seconds"; }}
netio-trace {traced} >/dev/null 2>&1
for pair in {pairs}; do
    begin=$(uptime); netio-trace {untraced} >/dev/null 2>&1; echo "untraced $? $begin $(uptime)"
    begin=$(uptime); netio-trace {traced} >/dev/null 2>&1; echo "traced $? $begin $(uptime)"
done"""
LINE = re.compile(r"^(untraced|traced) (\d+) ([\d.]+) ([\d.]+)$", re.MULTILINE)


def script(pairs, untraced, traced):
    return SCRIPT.format(pairs=" ".join(map(str, range(pairs))), untraced=shlex.join(untraced), traced=shlex.join(traced))


def samples_in(output):
    """Samples as tools/bench keeps them."""
    samples = []
    for at, (arm, code, begin, end) in enumerate(LINE.findall(output)):
        samples.append({"pair": at // 2, "order": at % 2, "arm": arm, "exit_code": int(code),
                        "wall_seconds": float(end) - float(begin)})
    return samples


def measure(kernel, build, pairs, untraced, traced):
    """Samples, and what QEMU said where there are none."""
    done = subprocess.run([RUN_VM, "--kernel", kernel, "--build", build, "--", "sh", "-c",
                           script(pairs, untraced, traced)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)
    samples = samples_in(done.stdout)
    said = done.stderr.strip().splitlines()
    return samples, "" if samples else (said[-1] if said else f"exit code {done.returncode}")
