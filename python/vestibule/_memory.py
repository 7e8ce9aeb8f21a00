"""Texts, structs and spans of time on their way to C and back."""

from __future__ import annotations

import ctypes
import math
import weakref
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Type, TypeVar

from ._declarations import VST_NEVER, VST_NONE
from .errors import SpaceError

if TYPE_CHECKING:
    from ctypes import Array, c_char, c_size_t

    from ._declarations import Pointer

T = TypeVar("T")

#: Enough for a line of rules with its caret.
WHY_BYTES = 2048
TEXT_BYTES = 1024
NS_PER_S = 1_000_000_000


def ref(of: T) -> Pointer[T]:
    """A pointer to it for the time of a call."""
    made: Any = ctypes.byref(of)  # type: ignore[arg-type]  # T is a type of ctypes
    return made  # type: ignore[no-any-return]


def first(of: Array[Any]) -> Any:
    """A pointer to the first of several, which must be kept as long as it is used."""
    return of if len(of) > 0 else None


def address_of(data: bytes) -> Optional[int]:
    """Where bytes are, as long as they exist."""
    return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value if data else None


def new_why() -> Array[c_char]:
    """Room for a sentence about a failure."""
    return ctypes.create_string_buffer(WHY_BYTES)


def bytes_of(
    ask: Callable[[Array[c_char], int, Pointer[c_size_t]], int], capacity: int = TEXT_BYTES
) -> Optional[bytes]:
    """What a function copies out, however long; None where it says that there is nothing."""
    while True:
        buffer = ctypes.create_string_buffer(capacity)
        length = ctypes.c_size_t()
        try:
            status = ask(buffer, capacity, ref(length))
        except SpaceError:
            # It may have grown again by the next call.
            capacity = max(length.value, 2 * capacity)
            continue
        return None if status == VST_NONE else ctypes.string_at(buffer, length.value)


def text_of(ask: Callable[[Array[c_char], int, Pointer[c_size_t]], int], capacity: int = TEXT_BYTES) -> str:
    """The same as text."""
    return (bytes_of(ask, capacity) or b"").decode(errors="replace")


def encoded(text: Optional[str]) -> Optional[bytes]:
    """A text for C, whose end is a NUL: one inside would cut it."""
    if text is None:
        return None
    if "\0" in text:
        raise ValueError("a text for the library has no NUL inside")
    return text.encode()


def nanoseconds(seconds: float) -> int:
    """A span of time for C: 0 is the default of what it is for, math.inf is no bound."""
    if seconds == math.inf:
        return VST_NEVER
    if not seconds >= 0:
        raise ValueError(f"not a span of time: {seconds}")
    # Above 0 is never rounded to 0, which would be the default.
    return min(math.ceil(seconds * NS_PER_S), VST_NEVER)


def seconds(ns: int) -> float:
    """A span of time from C: math.inf where there is none."""
    return math.inf if ns == VST_NEVER else ns / NS_PER_S


class Handle:
    """
    Something that the library made and that is freed with this object. What uses it keeps it: this object may go
    at once. It may be used by all threads.
    """

    def _own(self, handle: T, free: Callable[[Optional[T]], Any]) -> T:
        finalizer = weakref.finalize(self, free, handle)
        # The process ends anyway.
        finalizer.atexit = False
        return handle


S = TypeVar("S", bound=ctypes.Structure)


def sized(struct: Type[S]) -> S:
    """A struct of zeros that says its size: all is default."""
    made = struct()
    made.size = ctypes.sizeof(made)
    return made


def fields_of(struct: ctypes.Structure) -> Dict[str, int]:
    """The numbers of a struct of counters by name."""
    names = (field[0] for field in struct._fields_)
    return {name: getattr(struct, name) for name in names if name not in ("size", "_reserved")}
