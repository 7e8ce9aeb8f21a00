"""The reference of the book, in Markdown for Sphinx: a page for each section of the header, and one for each
function. Names are declared in the C domain, which links them and makes the index."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from comments import Bullets, Code, blocks, marked, related, returned
from header import Alias, Callback, Constant, Function, Header, Item, Section, Struct

#: What Markdown would take for something else than text.
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$])")
ROLES: dict[type[Item], str] = {
    Constant: "c:macro",
    Struct: "c:struct",
    Alias: "c:type",
    Callback: "c:type",
    Function: "c:func",
}


def escaped(text: str) -> str:
    return SPECIAL.sub(r"\\\1", text)


def file_of(section: Section) -> str:
    words = re.sub(r"[^a-z]+", "-", section.title.lower()).strip("-")
    return f"{section.number:02}-{words}"


class Writer:
    def __init__(self, header: Header) -> None:
        self.header = header
        self.roles = {one.name: ROLES[type(one)] for one in header.items()}

    def mark(self, name: str) -> str:
        role = self.roles.get(name)
        return f"{{{role}}}`{name}`" if role else f"`{name}`"

    def words(self, text: str) -> str:
        return marked(text, escaped, self.mark)

    def comment(self, comment: str) -> list[str]:
        lines: list[str] = []
        for block in blocks(comment):
            if isinstance(block, Code):
                lines += ["```c", *block.lines, "```", ""]
            elif isinstance(block, Bullets):
                lines += [f"- {self.words(item)}" for item in block.items] + [""]
            else:
                lines += [self.words(block.text), ""]
        return lines

    def directive(self, kind: str, declaration: str, inner: Iterable[str]) -> list[str]:
        """A declaration of the C domain. Colons, since code in it stands between backticks."""
        body = list(inner)
        fence = ":" * (3 + max((len(line) - len(line.lstrip(":")) for line in body), default=0))
        return [f"{fence}{{{kind}}} {declaration}", *body, fence, ""]

    def declared(self, item: Item) -> list[str]:
        """An item that stands on the page of its section."""
        inner = self.comment(item.comment)
        if isinstance(item, Constant):
            value = item.source.split(" ", 2)[2]
            return self.directive("c:macro", item.name, [f"`{value[1:-1]}`", "", *inner])
        if isinstance(item, Alias):
            return self.directive("c:type", f"{item.type} {item.name}", inner)
        if isinstance(item, Callback):
            declaration = " ".join(item.source.removeprefix("typedef ").rstrip(";").split())
            return self.directive("c:type", declaration, inner)
        if isinstance(item, Struct):
            for field in item.fields:
                count = f"[{field.count}]" if field.count else ""
                declaration = f"{field.type} {field.name}{count}"
                inner += self.directive("c:member", declaration, self.comment(field.comment))
            return self.directive("c:struct", item.name, inner)
        raise TypeError(item)

    def section(self, section: Section) -> str:
        lines = [f"# {section.title}", "", *self.comment(section.comment)]
        functions = [item for item in section.items if isinstance(item, Function)]
        if functions:
            lines += ["## Functions", "", "| function | what it does |", "|---|---|"]
            for one in functions:
                lines.append(f"| {self.mark(one.name)} | {self.words(summary(one))} |")
            names = [f"functions/{one.name}" for one in functions]
            lines += ["", "```{toctree}", ":hidden:", "", *names, "```", ""]
        for title, kind in (("Types", Alias), ("Structs", Struct), ("Callbacks", Callback), ("Constants", Constant)):
            items = [item for item in section.items if isinstance(item, kind)]
            if items:
                lines += [f"## {title}", ""]
            for item in items:
                lines += self.declared(item)
        return "\n".join(lines)

    def function(self, section: Section, function: Function, example: str | None) -> str:
        said = function.parts
        declaration = " ".join(function.source.rstrip(";").split())
        lines = [f"# {function.name}", ""]
        lines += self.directive("c:function", declaration, self.comment(said.summary))
        lines += self.comment(said.text)
        if said.legal:
            lines += ["## Callable from", "", self.words(said.legal), ""]
        if said.returns:
            lines += ["## Returns", "", *self.statuses(said.returns), ""]
        if said.needs:
            lines += ["## Needs", "", "What the library cannot check. Where it does not hold, the behaviour is undefined.", ""]
            lines += [self.words(said.needs), ""]
        if example:
            lines += ["## Example", "", "```c", example.rstrip("\n"), "```", ""]
        also = ", ".join(self.mark(name) for name in related(self.header, function))
        lines += ["## See also", "", *([also + "."] if also else []), ""]
        lines += [f"[{section.number}. {section.title}](../{file_of(section)}.md)", ""]
        return "\n".join(lines)

    def statuses(self, text: str) -> list[str]:
        """A row for each status, or a sentence where the header refers to another function."""
        meanings = {one.name: one.summary for one in self.header.constants()}
        rows, sentences = [], []
        for one in returned(text):
            note = self.words(one.note[:1].upper() + one.note[1:] + ".") if one.note else ""
            if not one.names:
                sentences += [note, ""]
            for name in one.names:
                rows.append(f"| {self.mark(name)} | {self.words(meanings.get(name, ''))} | {note} |")
        table = ["| status | meaning | here |", "|---|---|---|", *rows] if rows else []
        return [*sentences, *table]


def summary(function: Function) -> str:
    """The first sentence."""
    return function.parts.summary.split(". ")[0].rstrip(".") + "."


def introduction(writer: Writer) -> str:
    """The first page: what stands at the top of the header, and the list of sections."""
    lines = ["# Reference", "", "Generated from `include/vestibule.h`, which says the same.", ""]
    for part in writer.header.introduction.split("\n\n")[1:]:
        title, _, rest = part.partition("\n")
        if title == "Contents":
            continue
        if title in ("Terms", "Conventions"):
            lines += [f"## {title}", ""]
            part = rest
        lines += writer.comment(part)
    files = [file_of(section) for section in writer.header.sections]
    return "\n".join([*lines, "## Sections", "", "```{toctree}", ":maxdepth: 1", "", *files, "```", ""])


def write(header: Header, out: Path, examples: Mapping[str, str]) -> int:
    """Writes all pages below out, and returns how many."""
    writer = Writer(header)
    pages = {"index": introduction(writer)}
    for section in header.sections:
        pages[file_of(section)] = writer.section(section)
        for item in section.items:
            if isinstance(item, Function):
                page = writer.function(section, item, examples.get(item.name))
                pages[f"functions/{item.name}"] = page
    for name, text in pages.items():
        target = out / f"{name}.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return len(pages)
