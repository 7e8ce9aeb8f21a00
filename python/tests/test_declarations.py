"""The declarations are those of the header, and of the compiler."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import unittest

from support import PATIENCE, ROOT, compiled
from vestibule import Feature, Why
from vestibule import _declarations as declarations
from vestibule._library import functions

sys.path.insert(0, str(ROOT / "tools"))
import header  # noqa: E402


class Declarations(unittest.TestCase):
    def test_they_are_what_the_header_says(self) -> None:
        tool = [sys.executable, "-B", str(ROOT / "tools" / "declarations.py"), "--check"]
        done = subprocess.run(tool, capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_every_struct_has_the_layout_that_the_compiler_gives_it(self) -> None:
        structs = [one for one in header.read().structs() if one.fields]
        lines = ['#include <stdio.h>', '#include "vestibule.h"', "int main(void) {"]
        for one in structs:
            lines.append(f'printf("{one.name} %zu\\n", sizeof({one.name}));')
            for field in one.fields:
                of = f"{one.name}, {field.name}"
                size = f"sizeof((({one.name} *)0)->{field.name})"
                lines.append(f'printf("{one.name}.{field.name} %zu %zu\\n", offsetof({of}), {size});')
        program = compiled(self, "\n".join([*lines, "return 0; }"]))
        said = subprocess.run([program], capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
        expected = []
        for one in structs:
            made = getattr(declarations, one.name)
            expected.append(f"{one.name} {ctypes.sizeof(made)}")
            for field, (name, *_) in zip(one.fields, made._fields_):
                at = getattr(made, name)
                expected.append(f"{one.name}.{field.name} {at.offset} {at.size}")
        self.assertEqual(said.splitlines(), expected)

    def test_the_library_has_every_function(self) -> None:
        for one in header.read().functions():
            self.assertTrue(callable(getattr(functions(), one.name)))

    def test_a_function_that_an_older_library_does_not_have_says_so(self) -> None:
        with self.assertRaisesRegex(AttributeError, "older and has no vst_of_tomorrow"):
            functions().vst_of_tomorrow  # type: ignore[attr-defined]

    def test_a_number_of_a_newer_library_is_a_member_too(self) -> None:
        self.assertEqual((Why(4).name, Why(99).name, Why(99)), ("TIMED_OUT", "UNKNOWN_99", 99))
        self.assertIn(Feature.LOOP, Feature(1 << 40 | 1))
        with self.assertRaises(ValueError):
            Why("TIMED_OUT")  # type: ignore[arg-type]
