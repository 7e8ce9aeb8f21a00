"""How the library is found, and what is done with one that is another."""

from __future__ import annotations

import unittest

from support import LIBRARY, compiled, folder, python
from vestibule import LoadError, _library
from vestibule._library import Library

SHARED = ("-shared", "-fPIC")
TIMES = 200


class Loading(unittest.TestCase):
    def test_a_library_of_another_binary_interface_is_refused_with_both_numbers_and_the_path(self) -> None:
        path = str(compiled(self, "unsigned vst_abi_version(void) { return 7; }", *SHARED))
        with self.assertRaises(LoadError) as raised:
            Library(path)
        error = raised.exception
        self.assertEqual((error.path, error.found, error.expected), (path, 7, 1))
        self.assertEqual(
            str(error), f"{path}: it has version 7 of the binary interface, and this package is for 1"
        )

    def test_what_is_no_library_and_another_library_are_refused(self) -> None:
        with self.assertRaisesRegex(LoadError, "nowhere/libvestibule.so.0: it cannot be loaded"):
            Library("/nowhere/libvestibule.so.0")
        path = str(compiled(self, "int other;", *SHARED))
        with self.assertRaisesRegex(LoadError, "it is not vestibule"):
            Library(path)

    def test_it_says_its_version_and_what_it_was_built_with(self) -> None:
        library = Library(LIBRARY)
        self.assertRegex(library.version, r"^\d+\.\d+\.\d+")
        self.assertTrue(library.features)

    def test_a_process_has_one_library(self) -> None:
        self.assertIs(_library.load(LIBRARY), _library.load())
        with self.assertRaisesRegex(LoadError, "is loaded already"):
            _library.load("/nowhere/libvestibule.so.0")

    def test_the_environment_variable_goes_before_the_package_and_the_soname(self) -> None:
        found = "import os, vestibule; del os.environ['VESTIBULE_LIBRARY']; print(vestibule.load(*__import__('sys').argv[1:]).path)"
        done = python(found, LIBRARY)
        self.assertEqual((done.stdout, done.stderr), (f"{LIBRARY}\n", ""))
        done = python("import vestibule; print(vestibule.load().path)")
        self.assertEqual((done.stdout, done.stderr), (f"{LIBRARY}\n", ""))
        inside = folder(self) / "libvestibule.so.0"
        inside.symlink_to(LIBRARY)
        program = (
            "import os, sys, pathlib; del os.environ['VESTIBULE_LIBRARY'];"
            "from vestibule import _library; _library.INSIDE = pathlib.Path(sys.argv[1]);"
            "print(_library.load().path)"
        )
        done = python(program, str(inside))
        self.assertEqual((done.stdout, done.stderr), (f"{inside}\n", ""))
        done = python(program, "/nowhere")
        self.assertTrue(done.stdout == "libvestibule.so.0\n" or "libvestibule.so.0: it cannot" in done.stderr)

    def test_it_is_loaded_used_and_unloaded_many_times(self) -> None:
        program = """
import _ctypes, gc, socket, sys
import vestibule
from vestibule import EventKind, SelectorHost, _library

for turn in range(int(sys.argv[2])):
    library = vestibule.load(sys.argv[1])
    seen = []
    host = SelectorHost(lambda event: seen.append(event))
    address = host.engine.listen("127.0.0.1:0").address
    with socket.create_connection((str(address.ip), address.port)):
        while not any(event.kind is EventKind.SESSION for event in seen):
            host.turn()
    host.close()
    loaded = library._loaded._handle
    del host, seen, library
    _library.unload()
    gc.collect()
    _ctypes.dlclose(loaded)
print("done")
"""
        done = python(program, LIBRARY, str(TIMES))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "done\n", ""))

    def test_an_interpreter_ends_quietly_with_an_engine_and_its_connections_open(self) -> None:
        program = """
import asyncio, warnings
from vestibule import aio
warnings.simplefilter("ignore")

async def main():
    global engine, conn
    engine = aio.Engine()
    listener = engine.listen("127.0.0.1:0")
    conn = await engine.connect(str(listener.address))

asyncio.run(main())
print("done")
"""
        for _ in range(5):
            done = python(program)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "done\n", ""))
