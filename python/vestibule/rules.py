"""Rules: who comes in. docs/rules.md has the language."""

from __future__ import annotations

from ctypes import Array, c_char, c_size_t, c_uint64
from typing import TYPE_CHECKING, Callable, List, Optional, Sequence

from ._declarations import vst_rules, vst_table
from ._library import functions
from ._memory import Handle, address_of, bytes_of, first, new_why, ref
from .tables import Table

if TYPE_CHECKING:
    from ._declarations import Pointer


class Rules(Handle):
    """A set of rules. Configurations, engines and threads may share it."""

    def __init__(self, text: str, *, tables: Sequence[Table] = (), before: Optional[Rules] = None) -> None:
        """
        Besides the tables that the text defines, its lines may name tables. A table that the text defines as
        before does is taken from before, with its entries. Files that the text names are read now.

        Raises ConfigError, whose why has the line with a caret below the word that is wrong, and ArgumentError.
        """
        data = text.encode()
        handles = (vst_table * len(tables))(*(table.handle for table in tables))
        out, why = vst_rules(), new_why()
        functions().vst_rules_new(
            # An empty text is a text, and has an address.
            address_of(data) or b"",
            len(data),
            first(handles),
            len(tables),
            before.handle if before is not None else None,
            ref(out),
            why,
            len(why),
        )
        #: The handle, for functions that are not wrapped.
        self.handle: vst_rules = self._own(out, functions().vst_rules_free)

    @property
    def notes(self) -> List[str]:
        """What is no mistake, but should be known: a sentence with the line and a caret for each."""
        return self._texts(functions().vst_rules_notes)

    @property
    def backends(self) -> List[str]:
        """The names of the backends that lines choose, but for those that are put together from values."""
        return self._texts(functions().vst_rules_backends)

    @property
    def unknown_backends(self) -> int:
        """How often a name that was put together was that of no backend."""
        count = c_uint64()
        functions().vst_rules_unknown_backends(self.handle, ref(count))
        return count.value

    def _texts(self, ask: Callable[[vst_rules, int, Array[c_char], int, Pointer[c_size_t]], int]) -> List[str]:
        """The texts that a function has, by their numbers from 0 on."""
        texts: List[str] = []
        while True:
            number = len(texts)
            text = bytes_of(lambda to, room, got: ask(self.handle, number, to, room, got))
            if text is None:
                return texts
            texts.append(text.decode(errors="replace"))

    def replace(self, by: Rules) -> None:
        """
        Whatever uses these rules uses those of by from now on. Connections that have begun keep these.

        Raises ConfigError where a line looks for a ClientHello and a configuration with TLS uses these rules.
        """
        functions().vst_rules_replace(self.handle, by.handle)
