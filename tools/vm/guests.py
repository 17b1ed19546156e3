# SPDX-License-Identifier: MIT
"""The kernels that the project is proven on, and how they are booted for that."""
import argparse

LOCKDOWN = "lockdown=confidentiality"
# Kernel and what is appended to its command line; the tiers that it is known to have.
TIERS_OF = {
    ("5.10", ""): ["fentry", "kprobe", "tracepoint"],
    ("6.1", ""): ["fentry", "kprobe", "tracepoint"],
    ("6.12", ""): ["fentry", "kprobe", "tracepoint"],
    ("7", ""): ["fentry", "kprobe", "tracepoint"],
    ("6.12", LOCKDOWN): ["fentry", "tracepoint"],
    ("7", LOCKDOWN): ["fentry", "tracepoint"],
}


def a_list(known):
    """For argparse: words of `known`, separated by commas."""
    def parse(text):
        words = text.split(",")
        for word in words:
            if word not in known:
                raise argparse.ArgumentTypeError(f"there is no {word}; there are {', '.join(known)}")
        return words
    return parse
