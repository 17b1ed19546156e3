#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a C++ source file that holds a text file as a string_view: embed.py INPUT OUTPUT NAMESPACE NAME."""
import pathlib
import sys

source, target, namespace, name = sys.argv[1:5]
text = pathlib.Path(source).read_text(encoding="utf-8")
# A string literal has a limit of 64 KiB in the standard; pieces are joined by the compiler.
pieces = [text[at:at + 8000] for at in range(0, len(text), 8000)]
literals = "\n".join(f'R"embedded({piece})embedded"' for piece in pieces)
pathlib.Path(target).write_text(
    f"#include <string_view>\nnamespace {namespace} {{\nextern const std::string_view {name};\n"
    f"const std::string_view {name} =\n{literals};\n}}\n",
    encoding="utf-8")
