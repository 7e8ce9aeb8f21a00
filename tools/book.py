#!/usr/bin/env python3
"""Builds the book, with Sphinx and without a network, into target/book/html; or checks its pages.

    book.py           the pages in docs/ and the reference from the header, every warning an error
    book.py --check   links, anchors, snippets of C and of the shell, the index of examples; needs no Sphinx

Debian: python3-sphinx, python3-myst-parser, furo.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import book_checks
import examples
import header
import markdown
import reference
from markdown import Page

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
BOOK = ROOT / "target" / "book"
SOURCE = BOOK / "source"
#: Pages that stand at the top of the repository, where forges look for them.
PROJECT = "project"
#: Where the book has files of the repository that pages link to.
FILES = "files"
NO_LEXER = ("hex",)
LANGUAGES = {".c": "c", ".h": "c", ".py": "python", ".rs": "rust", ".sh": "sh"}


class Links:
    """Where things of the repository are in the book."""

    def __init__(self) -> None:
        #: Files and folders that pages link to and that are no pages.
        self.wanted: set[Path] = set()

    def place(self, path: Path) -> Path:
        """The place of a file of the repository, below the source of the book."""
        if path.is_relative_to(DOCS) and path.suffix in (".md", ".svg"):
            return path.relative_to(DOCS)
        if path.suffix == ".md" and path.parent == ROOT:
            return Path(PROJECT) / path.name.lower()
        self.wanted.add(path)
        name = path / "index" if path.is_dir() else path
        return Path(FILES) / f"{name.relative_to(ROOT)}.md"

    def rewritten(self, target: str, page: Path, place: Path) -> str:
        """A link of the page, which stands at place in the book."""
        path, sharp, anchor = target.partition("#")
        if not markdown.is_local(target) or not path:
            return target
        found = self.place((page.parent / path).resolve())
        return Path(os.path.relpath(found, place.parent)).as_posix() + sharp + anchor


def linked_names(line: str, roles: dict[str, str]) -> str:
    """Names of the header in code become references, but for those in headings and in the text of links."""
    if line.startswith("#"):
        return line

    def role(span: re.Match[str]) -> str:
        name = span["code"]
        in_link = line[: span.start()].endswith("[") and line[span.end() :].startswith("](")
        return f"{{{roles[name]}}}`{name}`" if name in roles and not in_link else span[0]

    return markdown.SPAN.sub(role, line)


def for_sphinx(page: Page) -> Page:
    """The page with what forges read in another way: a diagram that they draw from its text is the image that
    tools/diagrams.py draws of the same text, and languages that have no lexer are text."""
    name = page.path.stem
    text = re.sub(r"```mermaid\n.*?\n```", f"![{name}](images/{name}.svg)", page.text, flags=re.DOTALL)
    for language in NO_LEXER:
        text = text.replace(f"```{language}\n", "```text\n")
    return Page(page.path, text)


def copy_page(path: Path, links: Links, roles: dict[str, str]) -> None:
    place = links.place(path)
    page = for_sphinx(Page.read(path))

    def rewrite(line: str) -> str:
        line = markdown.LINK.sub(lambda link: f"{link['before']}({links.rewritten(link['target'], path, place)})", line)
        return linked_names(line, roles)

    target = SOURCE / place
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page.rewritten(rewrite), encoding="utf-8")


def write_file(path: Path, links: Links) -> None:
    """A file of the repository as a page, or a folder as a list of its files."""
    name = path.relative_to(ROOT)
    target = SOURCE / links.place(path)
    lines = ["---", "orphan: true", "---", "", f"# {name}", ""]
    if path.is_dir():
        for one in sorted(path.iterdir()):
            if one.is_file():
                here = os.path.relpath(links.place(one), links.place(path).parent)
                lines.append(f"- [{one.name}]({Path(here).as_posix()})")
    else:
        lines += [f"````{LANGUAGES.get(path.suffix, 'text')}", path.read_text(encoding="utf-8").rstrip("\n"), "````"]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_source() -> None:
    """Everything that Sphinx reads."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.copytree(DOCS / "images", SOURCE / "images")
    links = Links()
    interface = header.read()
    roles = reference.Writer(interface).roles
    for page in [*sorted(DOCS.rglob("*.md")), *sorted(ROOT.glob("*.md"))]:
        copy_page(page, links, roles)
    written: set[Path] = set()
    while links.wanted - written:
        path = min(links.wanted - written)
        written.add(path)
        write_file(path, links)
    reference.write(interface, SOURCE / "reference", examples.snippets())


def build() -> int:
    write_source()
    command = ["sphinx-build", "-b", "html", "-W", "--keep-going", "-n", "-q", "-j", "auto"]
    command += ["-c", str(DOCS), "-d", str(BOOK / "doctrees"), str(SOURCE), str(BOOK / "html")]
    status = subprocess.run(command, check=False).returncode
    if status == 0:
        print(f"{BOOK / 'html' / 'index.html'}")
    return status


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="check the pages and build nothing")
    if parser.parse_args().check:
        problems = book_checks.problems(ROOT)
        print("\n".join(problems) or "the pages are in order")
        sys.exit(1 if problems else 0)
    sys.exit(build())


if __name__ == "__main__":
    main()
