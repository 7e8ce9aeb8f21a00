"""A wheel is made, says what it needs, and works where nothing else is installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unittest
import zipfile

from support import EXAMPLES, LIBRARY, PATIENCE, ROOT, folder, peer

import vestibule


class Wheel(unittest.TestCase):
    def test_it_has_the_version_of_the_library(self) -> None:
        versions = {
            re.findall(r'^version = "(.*)"$', path.read_text(), re.MULTILINE)[0]
            for path in (ROOT / "Cargo.toml", ROOT / "python" / "pyproject.toml")
        }
        self.assertEqual(versions, {vestibule.load().version})

    def test_it_is_the_package_with_the_library(self) -> None:
        peer("objdump")
        into = folder(self)
        make = [sys.executable, "-B", str(ROOT / "tools" / "wheel.py"), LIBRARY, "--into", str(into)]
        said = subprocess.run(make, check=True, capture_output=True, text=True, timeout=2 * PATIENCE).stdout
        (wheel,) = into.glob("*.whl")
        found = re.fullmatch(
            r"(\S+)\npy3-none-manylinux_(\d+)_(\d+)_\w+: \w+ needs glibc (\d+)\.(\d+)\n", said
        )
        assert found is not None, said
        self.assertEqual((found[1], found[2], found[3]), (str(wheel), found[4], found[5]))
        before = wheel.read_bytes()
        subprocess.run(make, check=True, capture_output=True, timeout=2 * PATIENCE)
        self.assertEqual(wheel.read_bytes(), before)
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            archive.extractall(into / "installed")
        self.assertIn("vestibule/lib/libvestibule.so.0", names)
        self.assertIn("vestibule/py.typed", names)
        # As pip would find it: by its path alone, without a variable.
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("VESTIBULE_", "PYTHON"))}
        environment["PYTHONPATH"] = str(into / "installed")
        program = "import vestibule; print(vestibule.load().path)"
        done = subprocess.run(
            [sys.executable, "-B", "-c", program], env=environment, capture_output=True, text=True, timeout=PATIENCE
        )
        self.assertEqual((done.stdout, done.stderr), (f"{into}/installed/vestibule/lib/libvestibule.so.0\n", ""))

    def test_it_installs_into_a_clean_environment_and_runs_the_example(self) -> None:
        peer("objdump")
        into = folder(self)
        made = subprocess.run([sys.executable, "-m", "venv", str(into / "clean")], capture_output=True, timeout=4 * PATIENCE)
        if made.returncode != 0:
            if os.environ.get("VST_REQUIRE_PEERS") == "1":
                self.fail("peer missing: python3-venv")
            self.skipTest("peer missing: python3-venv")
        make = [sys.executable, "-B", str(ROOT / "tools" / "wheel.py"), LIBRARY, "--into", str(into)]
        subprocess.run(make, check=True, capture_output=True, timeout=2 * PATIENCE)
        python = str(into / "clean" / "bin" / "python")
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("VESTIBULE_", "PYTHON"))}
        install = [python, "-m", "pip", "install", "--no-index", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, *map(str, into.glob("*.whl"))], check=True, env=environment, timeout=4 * PATIENCE)
        program = [python, "-B", "-W", "error", str(EXAMPLES / "echo_asyncio.py"), "127.0.0.1:0"]
        with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            self.assertRegex(process.stdout.readline(), r"^ready 127\.0\.0\.1:\d+$")
            process.kill()
