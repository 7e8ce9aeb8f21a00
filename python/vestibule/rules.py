"""Rules: who comes in. docs/rules.md has the language."""

from __future__ import annotations

from typing import Optional, Sequence

from ._declarations import vst_rules, vst_table
from ._library import functions
from ._memory import Handle, address_of, first, new_why, ref
from .tables import Table


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

    def replace(self, by: Rules) -> None:
        """Whatever uses these rules uses those of by from now on. Connections that have begun keep these."""
        functions().vst_rules_replace(self.handle, by.handle)
