"""Makes a wheel of the Python package with the library in it.

    python3 tools/wheel.py LIBVESTIBULE_SO [--into FOLDER]

The library is copied without its debug information. Its tag says which systems it runs on: its newest symbol of
glibc decides (PEP 600), so it is best built on the oldest system that is to be served. The same input makes the same
bytes. Needs strip and objdump (binutils).
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / "python"
SONAME = "libvestibule.so.0"

#: Machines by their number in an ELF header, as tags name them.
MACHINES = {62: "x86_64", 183: "aarch64", 243: "riscv64"}
MACHINE_AT = 18
#: What every system with glibc has (PEP 600; the list of auditwheel).
EVERYWHERE = re.compile(r"^(libc|libm|libdl|libpthread|librt|libutil|libgcc_s|ld-linux.*)\.so\.\d+$")
#: The first moment that a zip archive can say.
MOMENT = (1980, 1, 1, 0, 0, 0)
MODE = 0o644 << 16


def said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def newest_glibc(library: Path) -> tuple[tuple[int, int], str]:
    """The version of glibc that a library needs, and a symbol that needs it."""
    found = re.findall(r"\(?GLIBC_(\d+)\.(\d+)[\d.]*\)?\s+(\w+)$", said("objdump", "-T", str(library)), re.MULTILINE)
    if not found:
        sys.exit(f"{library} uses no symbol of glibc: no manylinux tag is right for it")
    major, minor, symbol = max(found, key=lambda one: (int(one[0]), int(one[1])))
    return (int(major), int(minor)), symbol


def check_needed(library: Path) -> None:
    """Other libraries than those of every system would have to be in the wheel."""
    for name in re.findall(r"NEEDED\s+(\S+)", said("objdump", "-p", str(library))):
        if not EVERYWHERE.match(name):
            sys.exit(f"{library} needs {name}, which not every system has")


def machine(library: Path) -> str:
    number = int.from_bytes(library.read_bytes()[MACHINE_AT : MACHINE_AT + 2], "little")
    if number not in MACHINES:
        sys.exit(f"{library} is for the machine {number} of ELF, which has no name here")
    return MACHINES[number]


def project() -> dict[str, str]:
    """The texts of [project] in pyproject.toml, which needs no parser for that."""
    text = (PYTHON / "pyproject.toml").read_text(encoding="utf-8")
    return dict(re.findall(r'^([\w-]+) = "(.*)"$', text.split("[build-system]")[0], re.MULTILINE))


def contents(library: Path, tag: str) -> dict[str, bytes]:
    """The files of the wheel, but for its record."""
    about = project()
    info = f"{about['name']}-{about['version']}.dist-info"
    files = {
        f"vestibule/{path.relative_to(PYTHON / 'vestibule')}": path.read_bytes()
        for path in sorted((PYTHON / "vestibule").rglob("*"))
        if path.suffix == ".py" or path.name == "py.typed"
    }
    files[f"vestibule/lib/{SONAME}"] = library.read_bytes()
    for name in ("LICENSE-MIT", "LICENSE-APACHE"):
        files[f"{info}/licenses/{name}"] = (ROOT / name).read_bytes()
    metadata = (
        f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n"
        f"Summary: {about['description']}\nRequires-Python: {about['requires-python']}\n"
        "License: MIT OR Apache-2.0\nClassifier: Operating System :: POSIX :: Linux\nClassifier: Typing :: Typed\n"
    )
    files[f"{info}/METADATA"] = metadata.encode()
    wheel = f"Wheel-Version: 1.0\nGenerator: vestibule\nRoot-Is-Purelib: false\nTag: {tag}\n"
    files[f"{info}/WHEEL"] = wheel.encode()
    return files


def record(files: dict[str, bytes], name: str) -> bytes:
    """A line for each file: its name, its hash and its size."""
    lines: list[str] = []
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(data)}")
    return "\n".join([*lines, f"{name},,\n"]).encode()


def write(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, MOMENT)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, MODE
            archive.writestr(entry, data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=Path)
    parser.add_argument("--into", type=Path, default=Path("dist"))
    words = parser.parse_args()
    about = project()
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / SONAME
        subprocess.run(["strip", "--strip-unneeded", "-o", str(library), str(words.library)], check=True)
        check_needed(library)
        (major, minor), symbol = newest_glibc(library)
        tag = f"py3-none-manylinux_{major}_{minor}_{machine(library)}"
        files = contents(library, tag)
    name = f"{about['name']}-{about['version']}.dist-info/RECORD"
    files[name] = record(files, name)
    words.into.mkdir(parents=True, exist_ok=True)
    path = words.into / f"{about['name']}-{about['version']}-{tag}.whl"
    write(path, files)
    print(path)
    print(f"{tag}: {symbol} needs glibc {major}.{minor}")


if __name__ == "__main__":
    main()
