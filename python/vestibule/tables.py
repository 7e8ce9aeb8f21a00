"""Stick tables: what is remembered of a key from one connection to the next. docs/tables.md has the words."""

from __future__ import annotations

import ctypes
import ipaddress
from ctypes import c_uint64
from dataclasses import dataclass
from typing import Dict, Iterator, Optional, Union

from ._declarations import (
    VST_KEY_BYTES,
    VST_KEY_INTEGER,
    VST_KEY_IP,
    VST_NONE,
    VST_OK,
    vst_table,
    vst_table_counters,
    vst_table_key,
    vst_table_row,
    vst_table_snapshot,
)
from ._library import functions
from ._memory import Handle, address_of, encoded, fields_of, new_why, ref, seconds, sized, text_of
from .addresses import IpAddress

#: A key: an address, a number, or bytes; a str is its UTF-8.
Key = Union[IpAddress, int, bytes, str]


class _Key:
    """A key for the time of a call."""

    def __init__(self, key: Key) -> None:
        self.c = vst_table_key()
        if isinstance(key, int):
            self.c.form, self.c.integer = VST_KEY_INTEGER, key
            return
        if isinstance(key, (ipaddress.IPv4Address, ipaddress.IPv6Address)):
            self.c.form, self._bytes = VST_KEY_IP, key.packed
        else:
            self.c.form, self._bytes = VST_KEY_BYTES, key.encode() if isinstance(key, str) else key
        self.c.bytes, self.c.len = address_of(self._bytes), len(self._bytes)


def _key_of(key: vst_table_key) -> Key:
    if key.form == VST_KEY_INTEGER:
        return key.integer
    data = ctypes.string_at(key.bytes or 0, key.len) if key.len else b""
    return ipaddress.ip_address(data) if key.form == VST_KEY_IP else data


@dataclass(frozen=True)
class TableRow:
    """An entry of a table."""

    key: Key
    #: How many connections hold it.
    holders: int
    #: No other entry has it while this one exists.
    number: int
    #: In how many seconds it expires if it is not used; math.inf: never.
    expires_in: float
    #: What was asked for.
    values: Dict[int, int]


class Table(Handle):
    """A stick table. Engines and threads may share it, and every method may be called by any thread."""

    def __init__(self, name: str, definition: str) -> None:
        """
        definition is what follows stick-table in HAProxy, such as: type ip size 100k expire 10m store conn_cur.

        Raises ConfigError, whose why says where the definition is wrong.
        """
        out, why = vst_table(), new_why()
        functions().vst_table_new(encoded(name), encoded(definition), ref(out), why, len(why))
        #: The handle, for functions that are not wrapped.
        self.handle = self._own(out, functions().vst_table_free)
        #: Its name in rules, dumps and metrics.
        self.name = name

    def get(self, key: Key, data: int) -> Optional[int]:
        """A value (Data) of a key; None if it has no entry. Raises ArgumentError if it is not stored."""
        asked, value = _Key(key), c_uint64()
        status = functions().vst_table_get(self.handle, ref(asked.c), data, 0, ref(value))
        return value.value if status == VST_OK else None

    def set(self, key: Key, data: int, value: int) -> None:
        """Sets a value (Data) of a key, whose entry is made if there is none. Raises ArgumentError, StateError and LimitError."""
        asked = _Key(key)
        functions().vst_table_set(self.handle, ref(asked.c), data, value, 0)

    def remove(self, key: Key) -> bool:
        """Removes an entry: whether there was one. Raises StateError while a connection holds it."""
        asked = _Key(key)
        return functions().vst_table_remove(self.handle, ref(asked.c), 0) != VST_NONE

    def clear(self) -> int:
        """Removes every entry that no connection holds: how many."""
        cleared = c_uint64()
        functions().vst_table_clear(self.handle, ref(cleared))
        return cleared.value

    def counters(self) -> Dict[str, int]:
        """How full it is: the fields of vst_table_counters."""
        counters = sized(vst_table_counters)
        functions().vst_table_get_counters(self.handle, ref(counters))
        return fields_of(counters)

    def dump(self) -> str:
        """The table as text, in the form of HAProxy's show table."""
        return text_of(lambda text, room, got: functions().vst_table_dump(self.handle, 0, text, room, got))

    def rows(self, *data: int) -> Iterator[TableRow]:
        """Its entries, each with these values (Data). Entries that come or go meanwhile may be left out."""
        snapshot, row, value = vst_table_snapshot(), sized(vst_table_row), c_uint64()
        functions().vst_table_snapshot_new(self.handle, 0, ref(snapshot))
        try:
            while functions().vst_table_snapshot_next(snapshot, ref(row)) == VST_OK:
                values: Dict[int, int] = {}
                for one in data:
                    functions().vst_table_snapshot_value(snapshot, one, ref(value))
                    values[one] = value.value
                yield TableRow(_key_of(row.key), row.holders, row.number, seconds(row.expires_in_ns), values)
        finally:
            functions().vst_table_snapshot_free(snapshot)
