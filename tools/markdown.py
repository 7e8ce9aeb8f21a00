"""What the book and its checks have to know of a page in Markdown: fenced blocks, links, headings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^(?P<fence>`{3,})(?P<language>[^`]*)$")
#: A link or an image, but not one inside a code span.
LINK = re.compile(r"(?P<before>!?\[(?:[^\]\[`]|`[^`]*`|\[[^\]]*\])*\])\((?P<target>[^()\s]+)\)")
SPAN = re.compile(r"(?P<ticks>`+)(?P<code>.+?)(?P=ticks)")
HEADING = re.compile(r"^(#{1,6}) (?P<title>.+?)\s*$")
COMMENT = re.compile(r"<!--(?P<text>.*?)-->", re.DOTALL)


@dataclass(frozen=True)
class Fenced:
    """A fenced block."""

    language: str
    #: With the line feeds between, and none at the end.
    text: str
    #: The number of its first line, the fence's.
    line: int
    #: The comment directly above it, if there is one.
    comment: str


@dataclass(frozen=True)
class Page:
    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> Page:
        return cls(path, path.read_text(encoding="utf-8"))

    def fenced(self) -> list[Fenced]:
        found: list[Fenced] = []
        lines = self.text.split("\n")
        at = 0
        while at < len(lines):
            begin = FENCE.match(lines[at])
            at += 1
            if not begin:
                continue
            first = at
            while at < len(lines) and lines[at].strip() != begin["fence"]:
                at += 1
            above = "\n".join(lines[: first - 1]).rstrip()
            comments = list(COMMENT.finditer(above))
            comment = comments[-1]["text"].strip() if comments and comments[-1].end() == len(above) else ""
            found.append(Fenced(begin["language"].strip(), "\n".join(lines[first:at]), first, comment))
            at += 1
        return found

    def rewritten(self, line: Callable[[str], str]) -> str:
        """The page, with each line outside fenced blocks replaced."""
        fence = ""
        lines = []
        for one in self.text.split("\n"):
            begin = FENCE.match(one)
            if fence:
                fence = "" if one.strip() == fence else fence
            elif begin:
                fence = begin["fence"]
            else:
                one = line(one)
            lines.append(one)
        return "\n".join(lines)

    def links(self) -> list[str]:
        found: list[str] = []

        def look(line: str) -> str:
            found.extend(link["target"] for link in LINK.finditer(without_code(line)))
            return line

        self.rewritten(look)
        return found

    def anchors(self) -> set[str]:
        """Of its headings, as forges and MyST name them."""
        found: list[str] = []

        def look(line: str) -> str:
            heading = HEADING.match(line)
            if heading:
                name = slug(heading["title"])
                again = sum(1 for one in found if one == name or re.fullmatch(re.escape(name) + r"-\d+", one))
                found.append(f"{name}-{again}" if again else name)
            return line

        self.rewritten(look)
        return set(found)


def slug(title: str) -> str:
    text = LINK.sub(lambda link: link["before"], title).replace("`", "").replace("*", "")
    kept = "".join(one for one in text.lower() if one in " -_" or unicodedata.category(one)[0] in "LN")
    return kept.strip().replace(" ", "-")


def without_code(line: str) -> str:
    """Code spans replaced by as many stars: what looks like a link in them is none."""
    return SPAN.sub(lambda span: "*" * len(span[0]), line)


def is_local(target: str) -> bool:
    return not re.match(r"[a-z]+:", target)
