"""Listeners: where connections come in."""

from __future__ import annotations

from typing import Dict

from ._declarations import vst_addr, vst_listener_counters
from ._library import functions
from ._memory import encoded, fields_of, ref, sized
from .addresses import Address
from .ids import Id


class Listener(Id):
    """A listener. EventKind.SESSION reports each connection once it is a session."""

    __slots__ = ()

    @property
    def address(self) -> Address:
        """Where it listens, with the port that the kernel chose."""
        address = vst_addr()
        functions().vst_listener_addr(self.engine.handle, self.id, ref(address))
        return Address.of(address)

    def pause(self) -> None:
        """Stops accepting; connections stay in the kernel's queue."""
        functions().vst_listener_pause(self.engine.handle, self.id)

    def resume(self) -> None:
        """Accepts again. Raises StateError in a drain."""
        functions().vst_listener_resume(self.engine.handle, self.id)

    def close(self) -> None:
        """Accepts who waits already, and closes. Its connections go on; EventKind.LISTENER_CLOSED follows."""
        functions().vst_listener_close(self.engine.handle, self.id)

    def set_name(self, name: str) -> None:
        """Its name in rules (so_name) and metrics."""
        functions().vst_listener_set_name(self.engine.handle, self.id, encoded(name))

    def set_monitor_fail(self, fail: bool) -> None:
        """Whether monitors are told of a failure."""
        functions().vst_listener_set_monitor_fail(self.engine.handle, self.id, fail)

    def counters(self) -> Dict[str, int]:
        """What it has counted: the fields of vst_listener_counters."""
        counters = sized(vst_listener_counters)
        functions().vst_listener_get_counters(self.engine.handle, self.id, ref(counters))
        return fields_of(counters)

    def describe(self) -> str:
        """Its state as one line of name=value, for a log."""
        return self._text(functions().vst_listener_describe)
