"""Writes the declarations that the Python package calls the library by, from include/vestibule.h:
python/vestibule/_declarations.py, and the numbers that its users see, python/vestibule/constants.py.

    python3 tools/declarations.py            writes them
    python3 tools/declarations.py --check    says whether they are those of the header
"""

from __future__ import annotations

import argparse
import keyword
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import header

PACKAGE = Path(__file__).resolve().parent.parent / "python" / "vestibule"
WIDTH = 110
INDENT = "    "

INTEGERS = {
    "int32_t": "c_int32",
    "uint8_t": "c_uint8",
    "uint16_t": "c_uint16",
    "uint32_t": "c_uint32",
    "uint64_t": "c_uint64",
    "size_t": "c_size_t",
    "vst_status": "c_int32",
    "vst_id": "c_uint64",
}

DECLARATIONS_HEAD = '''\
"""The types and functions of include/vestibule.h for ctypes.

Made from the header by tools/declarations.py: change nothing here. Names are those of the header, which says
what they mean.
"""

from __future__ import annotations

from ctypes import (
    CDLL,
    CFUNCTYPE,
    POINTER,
    Array,
    Structure,
    c_char,
    c_char_p,
    c_int32,
    c_size_t,
    c_uint8,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Generic, Optional, TypeVar, Union

T = TypeVar("T")
F = TypeVar("F")

if TYPE_CHECKING:

    class Pointer(Generic[T]):
        """What POINTER, pointer and byref make, with the type of what it points to."""

        contents: T

        def __bool__(self) -> bool: ...

    class Callback(Generic[F]):
        """What CFUNCTYPE makes: it must be kept as long as C may call it."""

        def __init__(self, function: F) -> None: ...


#: A text in memory of the library's: reading it copies it.
Text = Optional[bytes]

#: Memory that a function reads or writes: bytes, an array of them, or where they are.
Memory = Union[bytes, "Array[c_char]", int, None]
'''

CONSTANTS_HEAD = '''\
"""The numbers of the library: operations, reasons, kinds of events and so on.

Made from include/vestibule.h by tools/declarations.py: change nothing here. A number that a newer library
reports, and that stands in none of these, becomes a member with the name UNKNOWN and the number.
"""

from __future__ import annotations

import enum
from typing import Optional, Type, TypeVar

N = TypeVar("N", bound="Number")


class Number(enum.IntEnum):
    """A number that newer libraries may have more of."""

    @classmethod
    def _missing_(cls: Type[N], value: object) -> Optional[N]:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member
'''


@dataclass(frozen=True)
class Group:
    """Constants with the same prefix, which become one enumeration."""

    name: str
    prefix: str
    doc: str
    base: str = "Number"


GROUPS = (
    Group("Op", "VST_OP_", "Where a connection failed: an operation of opening or closing it."),
    Group("Why", "VST_WHY_", "Why a connection or a stream failed."),
    Group("Family", "VST_ADDR_", "Kinds of addresses."),
    Group("EventKind", "VST_EVENT_", "What an event says."),
    Group("Reason", "VST_REASON_", "Why a server went up or down."),
    Group("Trace", "VST_TRACE_", "Categories of the trace.", "enum.IntFlag"),
    Group("Io", "VST_IO_", "What a descriptor is watched for, and is ready for.", "enum.IntFlag"),
    Group("Drain", "VST_DRAIN_", "Stages of a drain."),
    Group("Nodelay", "VST_NODELAY_", "Whether small writes leave at once."),
    Group("Shut", "VST_SHUT_", "Directions of a connection."),
    Group("State", "VST_STATE_", "States of a connection."),
    Group("Origin", "VST_ORIGIN_", "How a connection began."),
    Group("Mover", "VST_MOVER_", "Who moves the bytes of a connection."),
    Group("ProxyCommand", "VST_PROXY_COMMAND_", "Commands of a PROXY header."),
    Group("ProxyTransport", "VST_PROXY_TRANSPORT_", "Transports of a PROXY header."),
    Group("Verified", "VST_VERIFIED_", "What became of the peer's certificate."),
    Group("TlsText", "VST_TLS_TEXT_", "Texts about TLS."),
    Group("ConnFlag", "VST_CONN_", "Which directions of a connection are shut.", "enum.IntFlag"),
    Group("ClientAuth", "VST_CLIENT_AUTH_", "Whether clients are asked for a certificate."),
    Group("TlsVersion", "VST_TLS_1_", "Versions of TLS."),
    Group("Socks", "VST_SOCKS_", "Versions of SOCKS."),
    Group("SendProxy", "VST_SEND_PROXY_", "Which PROXY header is sent."),
    Group("ProxyTlv", "VST_PROXY_TLV_", "What a PROXY header of version 2 carries.", "enum.IntFlag"),
    Group("Balance", "VST_BALANCE_", "How a backend chooses a server."),
    Group("Admin", "VST_ADMIN_", "Administrative states of a server."),
    Group("Data", "VST_DATA_", "What a stick table keeps of a key."),
    Group("Next", "VST_NEXT_", "Answers of a handler."),
    Group("MonitorAnswer", "VST_MONITOR_ANSWER_", "What monitors are answered."),
    Group("Feature", "VST_FEATURE_", "What a build of the library has.", "enum.IntFlag"),
)

#: Members of no enumeration: bounds that share a prefix with one.
BOUNDS = {"VST_MONITOR_ANSWER_MAX_BYTES"}


def pointee(type_: str) -> str:
    """What a pointer points to, without const; empty for what is no pointer."""
    return type_[:-1].replace("const", "").strip() if type_.endswith("*") else ""


@dataclass(frozen=True)
class Types:
    """How the types of C are written in Python."""

    opaque: frozenset[str]
    callbacks: frozenset[str]

    def ctype(self, type_: str) -> str:
        """The type of ctypes."""
        to = pointee(type_)
        if not to:
            return INTEGERS.get(type_, "None" if type_ == "void" else type_)
        if to in self.opaque:
            return to
        if to == "char":
            return "c_char_p"
        if to in ("void", "uint8_t"):
            return "c_void_p"
        return f"POINTER({'c_void_p' if to == 'void *' else self.ctype(to)})"

    def parameter(self, type_: str) -> str:
        """What a caller hands in."""
        to = pointee(type_)
        if not to:
            return "int" if type_ in INTEGERS else type_
        if to in self.opaque:
            return f"Optional[{to}]"
        if to == "char":
            return "Text" if "const" in type_ else 'Optional["Array[c_char]"]'
        if to in ("void", "uint8_t"):
            return "Memory"
        return f'Optional["Pointer[{self.target(to)}]"]'

    def target(self, to: str) -> str:
        return "c_void_p" if to == "void *" else self.ctype(to)

    def seen(self, type_: str) -> str:
        """What is read from a field, returned, or handed to a callback."""
        to = pointee(type_)
        if not to:
            return "int" if type_ in INTEGERS else {"void": "None"}.get(type_, type_)
        if to in self.opaque:
            return to
        if to == "char":
            return "Text"
        if to in ("void", "uint8_t"):
            return "Optional[int]"
        return f'"Pointer[{self.target(to)}]"'

    def returned(self, type_: str) -> str:
        # The functions that return a text return one always.
        return "bytes" if pointee(type_) == "char" else self.seen(type_)

    def handed(self, variable: header.Variable) -> str:
        """The parameter of a callback: its text has no NUL, so that only its address is of use."""
        to = pointee(variable.type)
        return "Optional[int]" if to == "char" else self.seen(variable.type)

    def handed_ctype(self, variable: header.Variable) -> str:
        return "c_void_p" if pointee(variable.type) == "char" else self.ctype(variable.type)


def listed(before: str, members: Iterable[str], after: str) -> str:
    """A list on one line, or on one for each member where it is too long."""
    members = list(members)
    one = f"{before}{', '.join(members)}{after}"
    if len(one) <= WIDTH:
        return one
    indent = " " * (len(before) - len(before.lstrip()))
    lines = "".join(f"{indent}{INDENT}{member},\n" for member in members)
    return f"{before}\n{lines}{indent}{after}"


def wrapped(comment: str, indent: str, mark: str) -> str:
    """A comment of the header, whose lines are cut anew where the mark makes them too long."""
    lines: list[str] = []
    for paragraph in comment.split("\n\n"):
        if lines:
            lines.append("")
        line = ""
        for word in paragraph.split():
            if line and len(indent) + len(mark) + len(line) + 1 + len(word) > WIDTH:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}".strip()
        lines.append(line)
    return "".join(f"{indent}{mark}{line}".rstrip() + "\n" for line in lines)


def docstring(summary: str) -> str:
    text = summary.replace("\\", "\\\\")
    if len(INDENT) + len(text) + 6 <= WIDTH:
        return f'{INDENT}"""{text}"""\n'
    return f'{INDENT}"""\n{wrapped(text, INDENT, "")}{INDENT}"""\n'


def constants(read: header.Header) -> Iterator[str]:
    for one in read.constants():
        yield f"{one.name} = {one.value}\n"


def handles(read: header.Header) -> Iterator[str]:
    for one in header.opaque(read):
        yield f"\n\nclass {one.name}(c_void_p):\n{docstring(one.summary or 'A handle.')}"


def field_name(field: header.Variable) -> str:
    return f"{field.name}_" if keyword.iskeyword(field.name) else field.name


def field_ctype(types: Types, field: header.Variable) -> str:
    if field.count is None:
        return types.ctype(field.type)
    return f"{'c_char' if field.type == 'char' else types.ctype(field.type)} * {field.count}"


def field_seen(types: Types, field: header.Variable) -> str:
    if field.count is None:
        return types.seen(field.type)
    return "bytes" if field.type == "char" else f'"Array[{types.ctype(field.type)}]"'


def struct(types: Types, one: header.Struct) -> str:
    fields = [f'("{field_name(field)}", {field_ctype(types, field)})' for field in one.fields]
    annotations = "".join(f"{INDENT}{field_name(field)}: {field_seen(types, field)}\n" for field in one.fields)
    lines = listed(f"{INDENT}_fields_: ClassVar[Any] = [", fields, "]")
    return f"\n\nclass {one.name}(Structure):\n{docstring(one.summary)}\n{annotations}\n{lines}\n"


def callback(types: Types, one: header.Callback) -> str:
    seen = ", ".join(types.handed(parameter) for parameter in one.parameters)
    base = f"Callback[Callable[[{seen}], {types.seen(one.returns)}]]"
    made = [types.ctype(one.returns), *(types.handed_ctype(parameter) for parameter in one.parameters)]
    return (
        f"\n\nif TYPE_CHECKING:\n\n{INDENT}class {one.name}({base}): ...\n\n"
        f"else:\n{listed(f'{INDENT}{one.name} = CFUNCTYPE(', made, ')')}\n"
    )


def needed(one: header.Item) -> Iterator[str]:
    """The types that must be declared before this one."""
    if isinstance(one, header.Struct):
        variables = one.fields
    elif isinstance(one, header.Callback):
        variables = one.parameters
    else:
        return
    for variable in variables:
        yield (pointee(variable.type) or variable.type).strip("* ")


def ordered(read: header.Header) -> list[header.Item]:
    """Structs and callbacks, each behind what it is made of."""
    known: dict[str, header.Item] = {one.name: one for one in read.structs() if one.fields}
    known.update((one.name, one) for one in read.callbacks())
    done: dict[str, header.Item] = {}

    def declare(one: header.Item) -> None:
        for name in needed(one):
            if name in known and name not in done:
                declare(known[name])
        done[one.name] = one

    for one in known.values():
        if one.name not in done:
            declare(one)
    return list(done.values())


def position(one: header.Function, name: str) -> int | None:
    """Where a function takes the pointer of this name."""
    found = (at for at, of in enumerate(one.parameters) if of.name == name and pointee(of.type))
    return next(found, None)


def functions(types: Types, read: header.Header) -> Iterator[str]:
    yield "\n\nclass Functions:\n"
    yield f'{INDENT}"""The functions of a loaded library. A negative status that one returns is raised by check."""\n\n'
    for one in read.functions():
        parameters = [types.parameter(parameter.type) for parameter in one.parameters]
        yield listed(f"{INDENT}{one.name}: Callable[[", parameters, f"], {types.returned(one.returns)}]") + "\n"
    yield f"\n{INDENT}def __init__(self, library: CDLL, check: Callable[[int, Any, Any], int]) -> None:\n"
    yield f"{INDENT * 2}for name, returns, parameters in SIGNATURES:\n"
    yield f"{INDENT * 3}function = getattr(library, name, None)\n"
    yield f"{INDENT * 3}if function is not None:\n"
    yield f"{INDENT * 4}function.restype = returns\n"
    yield f"{INDENT * 4}function.argtypes = parameters\n"
    yield f"{INDENT * 4}if returns is c_int32:\n"
    yield f"{INDENT * 5}function.errcheck = check\n"
    yield f"{INDENT * 4}setattr(self, name, function)\n"
    yield f"\n{INDENT}if not TYPE_CHECKING:\n\n{INDENT * 2}def __getattr__(self, name):\n"
    yield f'{INDENT * 3}raise AttributeError(f"the library that is loaded is older and has no {{name}}")\n'
    yield "\n\n#: By name what a function returns and takes.\nSIGNATURES: list[tuple[str, Any, list[Any]]] = [\n"
    for one in read.functions():
        takes = listed("[", (types.ctype(parameter.type) for parameter in one.parameters), "]")
        yield listed(
            f"{INDENT}(", [f'"{one.name}"', types.ctype(one.returns), " ".join(takes.split())], "),"
        ) + "\n"
    yield "]\n"
    for name, doc in (("why", "the sentence about a failure"), ("sys_errno", "the errno of a failure")):
        found = [(one.name, at) for one in read.functions() if (at := position(one, name)) is not None]
        yield f"\n#: By function which parameter gets {doc}.\n"
        yield listed(f"{name.upper()}_AT = {{", [f'"{function}": {at}' for function, at in found], "}") + "\n"


def declarations(read: header.Header) -> str:
    types = Types(
        frozenset(one.name for one in header.opaque(read)), frozenset(one.name for one in read.callbacks())
    )
    parts = [DECLARATIONS_HEAD, "\n", *constants(read), *handles(read)]
    for one in ordered(read):
        if isinstance(one, header.Struct):
            parts.append(struct(types, one))
        elif isinstance(one, header.Callback):
            parts.append(callback(types, one))
    parts.extend(functions(types, read))
    return "".join(parts)


def identifier(name: str) -> str:
    return name if name[0].isalpha() else f"V{name}"


def members(group: Group, read: header.Header) -> Iterator[tuple[str, header.Constant]]:
    for one in read.constants():
        # VST_TLS_1_2 is 1_2 of TlsVersion, whose prefix ends within the number.
        if one.name.startswith(group.prefix) and one.name not in BOUNDS:
            prefix = group.prefix[: -len("1_")] if group.prefix.endswith("_1_") else group.prefix
            yield identifier(one.name.removeprefix(prefix)), one


def enumeration(group: Group, found: Iterable[tuple[str, header.Constant]]) -> Iterator[str]:
    yield f'\n\nclass {group.name}({group.base}):\n{INDENT}"""{group.doc}"""\n'
    for name, one in found:
        yield "\n" + wrapped(one.comment, INDENT, "#: ") + f"{INDENT}{name} = {one.value}\n"


def statuses(read: header.Header) -> Iterator[tuple[str, header.Constant]]:
    for one in read.sections[0].items:
        if isinstance(one, header.Constant) and not one.name.startswith(("VST_OP_", "VST_WHY_")):
            yield one.name.removeprefix("VST_"), one


def public(read: header.Header) -> str:
    parts = [CONSTANTS_HEAD]
    parts.extend(enumeration(Group("Status", "VST_", "What a function returns."), statuses(read)))
    for group in GROUPS:
        parts.extend(enumeration(group, members(group, read)))
    return "".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    read = header.read()
    files = {"_declarations.py": declarations(read), "constants.py": public(read)}
    if not parser.parse_args().check:
        for name, text in files.items():
            (PACKAGE / name).write_text(text, encoding="utf-8")
        return
    for name, text in files.items():
        path = PACKAGE / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path} is not what the header says: run python3 tools/declarations.py")


if __name__ == "__main__":
    main()
