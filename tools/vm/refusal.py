# SPDX-License-Identifier: MIT
"""How the tools here say that something cannot be done."""


class Refusal(Exception):
    """Why it cannot be done: what failed, and what to try."""
