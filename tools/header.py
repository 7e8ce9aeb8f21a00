"""Reads include/vestibule.h: what the manual, the declarations of Python and the checks of the ABI are made
from.

The header has a fixed form, which tests/header.rs makes: every item stands on lines of its own below a
comment, every value is an expression in parentheses, and sections begin with a line of `=`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PATH = Path(__file__).resolve().parent.parent / "include" / "vestibule.h"

RULE = "// " + "=" * 97
DECLARATOR = re.compile(r"^(?P<type>.*?[\s*])(?P<name>\w+)(?:\[(?P<count>\w+)\])?$")
CALLBACK = re.compile(r"^typedef (?P<type>.*?)\(\*(?P<name>\w+)\)$")
INTEGERS = {"UINT64_MAX": 2**64 - 1, "UINT32_MAX": 2**32 - 1}


class HeaderError(Exception):
    """The header does not have the form that is expected."""


@dataclass(frozen=True)
class Variable:
    """A parameter, or a field of a struct."""

    type: str
    name: str
    #: For an array how many elements it has, else None.
    count: int | None = None
    comment: str = ""


@dataclass(frozen=True)
class Item:
    """What all items have: a name, and a comment with its paragraphs as they stand in the header."""

    name: str
    comment: str
    #: The declaration as it stands in the header.
    source: str

    @property
    def summary(self) -> str:
        """The first paragraph on one line."""
        return " ".join(self.comment.split("\n\n")[0].split())


@dataclass(frozen=True)
class Constant(Item):
    #: The number, or None where it is text.
    value: int | None


@dataclass(frozen=True)
class Struct(Item):
    #: Empty for an opaque struct.
    fields: tuple[Variable, ...]


@dataclass(frozen=True)
class Alias(Item):
    """A name for an integer type."""

    type: str


@dataclass(frozen=True)
class Callable(Item):
    returns: str
    parameters: tuple[Variable, ...]


@dataclass(frozen=True)
class Function(Callable):
    @property
    def parts(self) -> Parts:
        return Parts.of(self.comment)


@dataclass(frozen=True)
class Callback(Callable):
    """The type of a pointer to a function of the host."""


@dataclass(frozen=True)
class Parts:
    """The comment of a function, apart."""

    #: Its first paragraph on one line.
    summary: str
    #: The paragraphs about what it does.
    text: str
    #: From where it may be called; empty where any time is right.
    legal: str
    #: What it returns.
    returns: str
    #: What the library cannot check.
    needs: str

    @classmethod
    def of(cls, comment: str) -> Parts:
        said, _, needs = comment.partition("\n\nNeeds:\n")
        lines = said.split("\n")
        begins = {"text": 0}
        for number, line in enumerate(lines):
            for part, word in (("legal", "Legal "), ("returns", "Returns ")):
                if line.startswith(word) and part not in begins:
                    begins[part] = number
        # The two stand in this order, and nothing follows but what belongs to them.
        legal = begins.get("legal", begins.get("returns", len(lines)))
        returns = begins.get("returns", len(lines))
        summary, _, text = "\n".join(lines[:legal]).partition("\n\n")
        return cls(
            summary=" ".join(summary.split()),
            text=text.strip(),
            legal=" ".join(" ".join(lines[legal:returns]).split()),
            returns=" ".join(" ".join(lines[returns:]).split()),
            needs=" ".join(needs.split()),
        )


@dataclass
class Section:
    number: int
    title: str
    comment: str
    items: list[Item] = field(default_factory=list)


@dataclass
class Header:
    #: The comment at the top.
    introduction: str
    sections: list[Section]

    def items(self) -> Iterator[Item]:
        for section in self.sections:
            yield from section.items

    def constants(self) -> list[Constant]:
        return [item for item in self.items() if isinstance(item, Constant)]

    def structs(self) -> list[Struct]:
        return [item for item in self.items() if isinstance(item, Struct)]

    def functions(self) -> list[Function]:
        return [item for item in self.items() if isinstance(item, Function)]

    def callbacks(self) -> list[Callback]:
        return [item for item in self.items() if isinstance(item, Callback)]

    def aliases(self) -> list[Alias]:
        return [item for item in self.items() if isinstance(item, Alias)]


def text_of(comment: list[str]) -> str:
    """Without the slashes."""
    return "\n".join(line.strip().removeprefix("//").removeprefix(" ") for line in comment)


def number(expression: str) -> int | None:
    """The value of a constant: a number, a shifted bit or one of <stdint.h>'s; None for a text."""
    inner = expression.strip()
    while inner.startswith("(") and inner.endswith(")"):
        inner = inner[1:-1].strip()
    if inner.startswith('"'):
        return None
    if inner in INTEGERS:
        return INTEGERS[inner]
    shifted = re.fullmatch(r"UINT64_C\(1\) << (\d+)", inner)
    if shifted:
        return 1 << int(shifted[1])
    plain = re.fullmatch(r"(?:UINT64_C\()?(-?(?:0x[0-9a-fA-F]+|\d+))\)?", inner)
    if plain:
        return int(plain[1], 0)
    raise HeaderError(f"not a value: {expression}")


def variable(declaration: str, comment: str = "") -> Variable:
    found = DECLARATOR.match(declaration.strip())
    if not found:
        raise HeaderError(f"not a declaration: {declaration}")
    count = int(found["count"]) if found["count"] else None
    return Variable(found["type"].strip(), found["name"], count, comment)


def parameters(text: str) -> tuple[Variable, ...]:
    text = text.strip()
    if text in ("", "void"):
        return ()
    return tuple(variable(one) for one in text.split(","))


def struct(name: str, comment: str, lines: list[str]) -> Struct:
    fields: list[Variable] = []
    above: list[str] = []
    for line in lines[1:-1]:
        if line.strip().startswith("//"):
            above.append(line)
        elif line.strip():
            fields.append(variable(line.strip().rstrip(";"), text_of(above)))
            above = []
    return Struct(name, comment, "\n".join(lines), tuple(fields))


def item(comment: str, lines: list[str]) -> Item:
    """The item that these lines declare."""
    source = "\n".join(lines)
    if source.startswith("#define "):
        _, name, value = source.split(" ", 2)
        return Constant(name, comment, source, number(value))
    if source.startswith("struct "):
        return struct(re.split(r"[ ;]", source)[1], comment, lines)
    before, bracket, rest = source.rstrip(";").partition("(*") if source.startswith("typedef") else (source, "", "")
    if bracket:
        name, _, arguments = rest.partition(")(")
        returns = before.removeprefix("typedef ").strip()
        return Callback(name, comment, source, returns, parameters(arguments.rstrip().removesuffix(")")))
    if source.startswith("typedef "):
        of = variable(source.removeprefix("typedef ").rstrip(";"))
        return Alias(of.name, comment, source, of.type)
    head, bracket, rest = source.rstrip(";").partition("(")
    if not bracket:
        raise HeaderError(f"not an item: {source}")
    declared = variable(head)
    return Function(declared.name, comment, source, declared.type, parameters(rest.removesuffix(")")))


def ends(lines: list[str]) -> bool:
    """Whether these lines are a whole declaration."""
    if lines[0].startswith("#define "):
        return True
    if lines[0].startswith("struct ") and lines[0].endswith("{"):
        return lines[-1] == "};"
    return lines[-1].endswith(";")


def read(path: Path = PATH) -> Header:
    """The header, in its own order."""
    lines = path.read_text(encoding="utf-8").split("\n")
    introduction = text_of(lines[: lines.index("#ifndef VESTIBULE_H")]).strip()
    header = Header(introduction, [])
    comment: list[str] = []
    declaration: list[str] = []
    in_heading = False
    for line in lines[lines.index(RULE) :]:
        if line == "#ifdef __cplusplus":
            break
        if line == RULE:
            if in_heading:
                title, _, text = text_of(comment).partition("\n")
                at, _, title = title.partition(". ")
                header.sections.append(Section(int(at), title, text.strip()))
            in_heading = not in_heading
            comment = []
        elif declaration or (line and not line.startswith("//")):
            declaration.append(line)
            if ends(declaration):
                header.sections[-1].items.append(item(text_of(comment), declaration))
                comment, declaration = [], []
        elif line:
            comment.append(line)
        elif not in_heading:
            comment = []
    return header


def opaque(header: Header) -> list[Struct]:
    """The structs whose contents are the library's alone."""
    return [one for one in header.structs() if not one.fields]
