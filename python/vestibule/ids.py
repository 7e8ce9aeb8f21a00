"""What an id of the library is in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from ._memory import text_of

if TYPE_CHECKING:
    from ctypes import Array, c_char, c_size_t

    from ._declarations import Pointer, vst_engine
    from .engine import Engine


class Id:
    """
    Names something of an engine. It may be kept after that is gone: methods then raise StaleError and do nothing.
    Two that name the same are equal, and may be keys of a dictionary.

    Methods are called on the engine's thread. All may raise CallerError, for a mistake of the program.
    """

    __slots__ = ("engine", "id")

    def __init__(self, engine: Engine, id: int) -> None:
        #: The engine that it belongs to.
        self.engine = engine
        #: The 64 bits.
        self.id = id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Id) and self.engine is other.engine and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id:#x}>"

    def _text(
        self, function: Callable[[vst_engine, int, Array[c_char], int, Pointer[c_size_t]], int]
    ) -> str:
        return text_of(lambda text, room, got: function(self.engine.handle, self.id, text, room, got))
