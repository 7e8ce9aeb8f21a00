"""What can be wrong in the pages of a repository, without building the book."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import markdown
from markdown import Fenced, Page

COMPILE = (*shlex.split(os.environ.get("CC", "cc")), "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only")
#: A page shows some functions of a program and uses none of them.
SHOWN = ("-Wno-unused-function", "-Wno-unused-variable")
HEADERS = "#include <errno.h>\n#include <stdint.h>\n#include <stdio.h>\n#include <string.h>\n#include <vestibule.h>\n"
FROM = "from "
GIVEN = "given"
#: Stands in a snippet for lines that it leaves out.
LEFT_OUT = "/* ... */"
PROGRAM = re.compile(r"(?:\./|(?:\S*/)?examples/build/)(?P<name>(?:hosts/)?\w+)")
#: What make -C examples builds: it need not be there.
BUILT = Path("examples/build")


def problems(root: Path) -> list[str]:
    pages = [Page.read(path) for path in committed(root, "*.md")]
    found = [problem for page in pages for problem in [*links(root, page), *snippets(root, page)]]
    return [*found, *tutorial(root), *index_of_examples(root), *metrics(root)]


def committed(root: Path, pattern: str) -> list[Path]:
    """Files of the repository, also those that are about to be committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", pattern]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    return sorted(root / name for name in set(listed.split("\n")) if name and (root / name).is_file())


def where(root: Path, page: Page, line: int | None = None) -> str:
    return f"{page.path.relative_to(root)}{f':{line}' if line else ''}"


def links(root: Path, page: Page) -> Iterator[str]:
    for target in page.links():
        if not markdown.is_local(target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.path.parent / name).resolve() if name else page.path
        if not path.exists():
            yield f"{where(root, page)}: {target}: no such file"
        elif anchor and path.suffix == ".md" and anchor not in Page.read(path).anchors():
            yield f"{where(root, page)}: {target}: no such heading"


def snippets(root: Path, page: Page) -> Iterator[str]:
    for block in page.fenced():
        if block.language == "c":
            problem = from_file(page, block) if block.comment.startswith(FROM) else compiled(root, block)
            if problem:
                yield f"{where(root, page, block.line)}: {problem}"
        elif block.language == "sh":
            for problem in commands(root, page.path.parent, block.text):
                yield f"{where(root, page, block.line)}: {problem}"


def from_file(page: Page, block: Fenced) -> str:
    """What is wrong with a block that shows a part of a file."""
    name = block.comment.removeprefix(FROM).strip()
    path = page.path.parent / name
    if not path.is_file():
        return f"{name}: no such file"
    rest = path.read_text(encoding="utf-8")
    for part in re.split(rf"^\s*{re.escape(LEFT_OUT)}\n", block.text, flags=re.MULTILINE):
        before, found, rest = rest.partition(part.strip("\n"))
        if not found:
            return f"{name} does not contain: {part.strip().splitlines()[0]}"
    return ""


def compiled(root: Path, block: Fenced) -> str:
    """What the compiler says about a block that stands by itself, as a file or else as the body of a function."""
    given = block.comment.removeprefix(GIVEN).strip() if block.comment.startswith(GIVEN) else ""
    file = f"{HEADERS}{given}\n{block.text}\n"
    body = f"{HEADERS}{given}\nvoid shown(void)\n{{\n{block.text}\n}}\n"
    said = [syntax(root, text, (*SHOWN, "-I", str(root / "include"))) for text in (file, body)]
    return "" if "" in said else f"does not compile: {said[0]}"


def syntax(root: Path, text: str, options: tuple[str, ...]) -> str:
    """The first error of the compiler, or nothing."""
    with tempfile.NamedTemporaryFile("w", suffix=".c", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        result = subprocess.run((*COMPILE, *options, file.name), cwd=root, capture_output=True, text=True, check=False)
    errors = [line.partition("error: ")[2] for line in result.stderr.split("\n") if "error: " in line]
    return errors[0] if errors else result.stderr.strip()


def tutorial(root: Path) -> Iterator[str]:
    """The programs that the tutorial is about compile."""
    for path in committed(root, "docs/tutorial/*.c"):
        options = ("-I", str(root / "include"), "-I", str(path.parent))
        said = syntax(root, path.read_text(encoding="utf-8"), options)
        if said:
            yield f"{path.relative_to(root)}: does not compile: {said}"


def commands(root: Path, folder: Path, text: str) -> Iterator[str]:
    """Programs of the examples, their options, and files of the repository that a snippet of a page in folder names."""
    for line in text.replace("\\\n", " ").split("\n"):
        for command in re.split(r"[|;&]+", line.partition(" #")[0]):
            words = command.split()
            for word in words:
                program = PROGRAM.fullmatch(word)
                if program:
                    yield from program_of_examples(root, folder, program["name"], words)
                elif is_of_repository(root, word) and not any((at / word).exists() for at in (root, folder)):
                    yield f"{word}: no such file"


def is_of_repository(root: Path, word: str) -> bool:
    """Whether a word is the path of something that is committed, as far as its form tells."""
    parts = [part for part in Path(word).parts if part != ".."]
    is_path = "/" in word and re.fullmatch(r"[\w./-]+", word) is not None and not word.startswith("/")
    is_built = "target" in parts or BUILT == Path(*parts) or BUILT in Path(*parts).parents
    return is_path and not is_built and bool(parts) and (root / parts[0]).is_dir()


def program_of_examples(root: Path, folder: Path, name: str, words: list[str]) -> Iterator[str]:
    sources = [at / f"{name}.c" for at in (folder, root / "examples")]
    source = next((path for path in sources if path.is_file()), None)
    if source is None:
        yield f"{name}: no such example"
        return
    text = source.read_text(encoding="utf-8")
    for word in words:
        if word.startswith("--") and word not in text:
            yield f"{name} has no {word}"


def index_of_examples(root: Path) -> Iterator[str]:
    """docs/examples.md names every program, and every folder of other examples."""
    page = Page.read(root / "docs" / "examples.md")
    linked = {(page.path.parent / target.partition("#")[0]).resolve() for target in page.links()}
    programs = [
        path
        for pattern in ("examples/*.c", "examples/hosts/*.c", "python/examples/*.py", "docs/tutorial/*.c")
        for path in committed(root, pattern)
        if path.suffix == ".py" or re.search(r"^int main\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    for path in [*programs, root / "examples/nginx", root / "examples/systemd"]:
        if path not in linked:
            yield f"docs/examples.md: {path.relative_to(root)} is missing"


def metrics(root: Path) -> Iterator[str]:
    """docs/operating.md explains every metric, and no other."""
    counted = set(re.findall(r'"(vestibule_\w+)"', (root / "src/engine/metrics.rs").read_text(encoding="utf-8")))
    page = (root / "docs/operating.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `(vestibule_\w+)` \|", page, re.MULTILINE))
    for name in sorted(counted ^ explained):
        yield f"docs/operating.md: {name} is {'not explained' if name in counted else 'no metric'}"
