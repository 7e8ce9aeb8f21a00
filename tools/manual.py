#!/usr/bin/env python3
"""Writes the manual from include/vestibule.h.

    manual.py man OUT_DIR         OUT_DIR/man3/vst_conn_send.3 and so on, and OUT_DIR/man7/vestibule.7
    manual.py reference OUT_DIR   pages in Markdown for Sphinx: sections, functions, structs
"""

from __future__ import annotations

import argparse
from pathlib import Path

import examples
import header
import manpages
import reference


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("man", "reference"))
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    write = manpages.write if arguments.what == "man" else reference.write
    print(f"{write(header.read(), arguments.out, examples.snippets())} pages in {arguments.out}")


if __name__ == "__main__":
    main()
