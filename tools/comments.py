"""The text of comments in include/vestibule.h, apart: paragraphs, lists, code, and what a function returns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from header import Function, Header

WORD = re.compile(r"\b(?:vst_|VST_)\w+")
#: An output of a function, as in "*out is the id".
OUTPUT = re.compile(r"(?<![\w*])\*[a-z]\w*")
CODE = "    "
ITEM = "- "


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Bullets:
    items: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    lines: tuple[str, ...]


Block = Paragraph | Bullets | Code


def block_of(lines: list[str]) -> Iterator[Block]:
    """The blocks of lines between two empty ones: text, and the items of a list below it."""
    if lines[0].startswith(CODE):
        yield Code(tuple(line.removeprefix(CODE) for line in lines))
        return
    first = next((at for at, line in enumerate(lines) if line.startswith(ITEM)), len(lines))
    if first > 0:
        yield Paragraph(joined(lines[:first]))
    items: list[list[str]] = []
    for line in lines[first:]:
        if line.startswith(ITEM):
            items.append([line.removeprefix(ITEM)])
        else:
            items[-1].append(line)
    if items:
        yield Bullets(tuple(joined(item) for item in items))


def joined(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def blocks(comment: str) -> list[Block]:
    found: list[Block] = []
    for part in comment.split("\n\n"):
        lines = [line for line in part.split("\n") if line.strip()]
        if lines:
            found.extend(block_of(lines))
    return found


@dataclass(frozen=True)
class Returned:
    """Statuses that a function returns for one cause; no names where the header refers to another function."""

    names: tuple[str, ...]
    #: What is said of them in this function.
    note: str


def returned(text: str) -> list[Returned]:
    """The pieces of a sentence such as "Returns VST_OK; VST_E_STALE, VST_E_KIND (the id); VST_E_NULL."."""
    found = []
    for piece in outside_brackets(text.removeprefix("Returns ").rstrip(".")):
        head, bracket, note = piece.partition(" (")
        names = re.split(r", (?:and )?| and ", head)
        if all(re.fullmatch(r"VST_\w+", name) for name in names):
            if bracket and note.endswith(")"):
                found.append(Returned(tuple(names), note.removesuffix(")")))
                continue
            if not bracket:
                found.append(Returned(tuple(names), ""))
                continue
        first = re.match(r"(VST_\w+) (.*)", piece)
        found.append(Returned((first[1],), first[2].strip("()")) if first else Returned((), piece))
    return found


def outside_brackets(text: str) -> list[str]:
    """The text, cut at its semicolons, but for those in parentheses; and at commas between differently explained
    statuses."""
    pieces, depth, begin = [], 0, 0
    for at, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        after_note = character == "," and at > 0 and text[at - 1] == ")"
        if depth == 0 and (character == ";" or after_note):
            pieces.append(text[begin:at].strip())
            begin = at + 1
    return [*pieces, text[begin:].strip()]


def related(header: Header, function: Function) -> list[str]:
    """Other functions that the comment names, and those whose comments name this one, in the header's order."""
    known = {one.name: one for one in header.functions()}
    named = set(WORD.findall(function.comment))
    back = {one.name for one in known.values() if function.name in WORD.findall(one.comment)}
    stem = re.sub(r"_(new|open|init|free|close)$", "", function.name).removesuffix("_options")
    family = {f"{stem}{end}" for end in ("_new", "_open", "_free", "_close", "_options_init")}
    return [name for name in known if name in named | back | family and name != function.name]


def marked(text: str, escape: Callable[[str], str], mark: Callable[[str], str]) -> str:
    """The text, escaped, with names of the interface and of outputs marked."""
    pattern = re.compile(f"{WORD.pattern}\\*?|{OUTPUT.pattern}")
    written, at = [], 0
    for found in pattern.finditer(text):
        written += [escape(text[at : found.start()]), mark(found[0])]
        at = found.end()
    return "".join([*written, escape(text[at:])])
