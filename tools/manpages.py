"""Manual pages in the man(7) macros: one for each function of the header, and vestibule(7) about all of them."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from comments import Bullets, Code, blocks, marked, related, returned
from header import Function, Header, Parts, Section, Struct

#: What roff would read otherwise than as itself, and would print as something that cannot be copied.
ESCAPES = {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq"}
#: Headings in the introduction of the header, and what becomes of them.
HEADINGS = {"Terms": "TERMS", "Conventions": "CONVENTIONS"}
CONTENTS = "Contents"
INDENT = 4
MANIFEST = Path(__file__).resolve().parent.parent / "Cargo.toml"


def escaped(text: str) -> str:
    plain = "".join(ESCAPES.get(one, one if one.isascii() else rf"\[u{ord(one):04X}]") for one in text)
    return rf"\&{plain}" if plain[:1] in (".", "'") else plain


class Page:
    def __init__(self, header: Header, name: str, section: int) -> None:
        self.header = header
        self.name = name
        self.section = section
        self.functions = {one.name for one in header.functions()}
        self.lines: list[str] = [
            f'.TH "{escaped(name.upper() if section == 7 else name)}" {section} "{date()}" '
            f'"vestibule {version()}" "Manual of vestibule"',
        ]

    def heading(self, title: str) -> None:
        self.lines.append(f".SH {title}")

    def paragraph(self) -> None:
        """Begins one; below a heading it is begun already."""
        if not self.lines[-1].startswith((".SH", ".SS", ".TP")):
            self.lines.append(".PP")

    def words(self, text: str) -> str:
        return marked(text, escaped, self.mark)

    def mark(self, name: str) -> str:
        bold = rf"\fB\%{escaped(name)}\fP"  # \% has it not hyphenated
        if name in self.functions and name != self.name:
            return bold + "(3)"
        return rf"\fI{escaped(name)}\fP" if name.startswith("*") else bold

    def line(self, text: str) -> None:
        """A line of text; one that is empty or begins with a dot would be something else."""
        said = self.words(text)
        self.lines.append(rf"\&{said}" if said[:1] in (".", "'") else said)

    def code(self, lines: Iterable[str]) -> None:
        self.lines += [f".RS {INDENT}", ".nf"]
        for line in lines:
            self.lines.append(escaped(line) or r"\&")
        self.lines += [".fi", ".RE"]

    def blocks(self, comment: str) -> None:
        for block in blocks(comment):
            if isinstance(block, Code):
                self.paragraph()
                self.code(block.lines)
            elif isinstance(block, Bullets):
                for item in block.items:
                    self.lines.append(r".IP \(bu 2")
                    self.line(item)
            else:
                self.paragraph()
                self.line(block.text)

    def term(self, term: str, text: str) -> None:
        self.lines += [".TP", rf"\fB{escaped(term)}\fP"]
        self.line(text)

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


def date() -> str:
    """That of the sources where a build says it (reproducible-builds.org), else today's."""
    return time.strftime("%Y-%m-%d", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))))


def version() -> str:
    """That of the library."""
    found = re.search(r'^version = "(.+)"$', MANIFEST.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else ""


def structs_of(header: Header, function: Function) -> Iterator[Struct]:
    """The structs that a call reads or writes, but for the opaque ones."""
    known = {one.name: one for one in header.structs() if one.fields}
    for parameter in function.parameters:
        name = parameter.type.replace("const ", "").replace("*", "").strip()
        if name in known:
            yield known.pop(name)


def return_value(page: Page, said: Parts, function: Function) -> None:
    if function.returns == "void":
        return
    page.heading("RETURN VALUE")
    if not said.returns:
        page.line(said.summary)
        return
    meanings = {one.name: one.summary for one in page.header.constants()}
    for one in returned(said.returns):
        if not one.names:
            page.paragraph()
            page.line(one.note[:1].upper() + one.note[1:] + ".")
            continue
        for name in one.names:
            note = f" Here: {one.note}." if one.note else ""
            page.term(name, meanings.get(name, "") + note)


def structures(page: Page, function: Function) -> None:
    found = list(structs_of(page.header, function))
    if not found:
        return
    page.heading("STRUCTURES")
    for struct in found:
        page.lines.append(f".SS struct {escaped(struct.name)}")
        page.blocks(struct.comment)
        page.paragraph()
        page.code(definition(struct))
        for one in struct.fields:
            page.lines += [".TP", rf"\fI{escaped(one.name)}\fP"]
            page.line(" ".join(one.comment.split()) or "\u2014")


def definition(struct: Struct) -> list[str]:
    return [line for line in struct.source.split("\n") if not line.strip().startswith("//")]


def function_page(header: Header, section: Section, function: Function, example: str | None) -> str:
    page = Page(header, function.name, 3)
    said = function.parts
    page.lines.append(".SH NAME")
    summary = said.summary.split(". ")[0].rstrip(".")
    page.lines.append(rf"{escaped(function.name)} \- {escaped(summary[:1].lower() + summary[1:])}")
    page.heading("SYNOPSIS")
    page.lines.append(".nf")
    page.lines += [r"\fB#include <vestibule.h>\fP", ".PP"]
    page.lines += [rf"\fB{escaped(line)}\fP" for line in function.source.split("\n")]
    page.lines.append(".fi")
    page.heading("DESCRIPTION")
    page.blocks(said.summary)
    page.blocks(said.text)
    if said.legal:
        page.heading("CALLABLE FROM")
        page.line(said.legal)
    return_value(page, said, function)
    if said.needs:
        page.heading("NOTES")
        page.line("The library cannot check this; where it does not hold, the behaviour is undefined:")
        page.paragraph()
        page.line(said.needs)
    structures(page, function)
    if example:
        page.heading("EXAMPLE")
        page.code(example.rstrip("\n").split("\n"))
    see_also(page, section, related(header, function))
    return page.text()


def see_also(page: Page, section: Section, names: list[str]) -> None:
    page.heading("SEE ALSO")
    page.lines += [f".BR {escaped(name)} (3)," for name in names]
    page.lines.append(".BR vestibule (7)")
    page.paragraph()
    page.line(f"Section {section.number} of the header: {section.title}.")


def overview(header: Header) -> str:
    page = Page(header, "vestibule", 7)
    page.lines += [".SH NAME", r"vestibule \- an embeddable connection layer"]
    page.lines += [".SH SYNOPSIS", ".nf", r"\fB#include <vestibule.h>\fP", ".PP", r"\fBcc ... \-lvestibule\fP", ".fi"]
    page.heading("DESCRIPTION")
    for part in header.introduction.split("\n\n")[1:]:
        title, _, rest = part.partition("\n")
        if title == CONTENTS:
            continue
        if title in HEADINGS:
            page.heading(HEADINGS[title])
            part = rest
        page.blocks(part)
    for section in header.sections:
        page.heading(escaped(section.title.upper()))
        page.blocks(section.comment)
        for item in section.items:
            if isinstance(item, Function):
                page.lines += [".TP", rf"\fB{escaped(item.name)}\fP(3)"]
                page.line(item.parts.summary.split(". ")[0].rstrip(".") + ".")
    return page.text()


def write(header: Header, out: Path, examples: Mapping[str, str]) -> int:
    """Writes all pages below out, and returns how many."""
    pages = {Path("man7/vestibule.7"): overview(header)}
    for section in header.sections:
        for item in section.items:
            if isinstance(item, Function):
                page = function_page(header, section, item, examples.get(item.name))
                pages[Path(f"man3/{item.name}.3")] = page
    for path, text in pages.items():
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="ascii")
    return len(pages)
