"""How an engine is made."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Callable, Optional

from ._declarations import VST_ENGINE_CHECKED, VST_ENGINE_NO_PIPES, vst_engine_options
from ._memory import sized
from .constants import Trace
from .groups import Group


def log_error(sentence: str) -> None:
    """Sends a sentence of the library to the logger vestibule."""
    logging.getLogger("vestibule").error("%s", sentence)


@dataclass(frozen=True)
class EngineOptions:
    """The options of an engine: vst_engine_options. A 0 is the default."""

    #: Gets an exception that a callback, a handler or a task of the package's has raised. Without it,
    #: sys.unraisablehook does. It must not raise.
    on_error: Optional[Callable[[Exception], None]] = None
    #: Gets sentences about failures of the library, and about what checked has found. It may use no engine.
    log: Callable[[str], None] = log_error
    #: Gets a category and a line of the trace (docs/trace.md). It may use no engine.
    trace: Optional[Callable[[Trace, str], None]] = None
    #: What is traced from the beginning.
    trace_categories: Trace = Trace(0)
    #: Has the library check whether the host keeps its contract. For development: it costs system calls.
    checked: bool = False
    max_conns: int = 0
    max_opening: int = 0
    heavy_per_drive: int = 0
    events_per_drive: int = 0
    reserve_fds: int = 0
    max_proxy_header_bytes: int = 0
    max_pipes: int = 0
    no_pipes: bool = False
    #: The group that the engine is a member of until it is closed.
    group: Optional[Group] = None

    def to_c(self) -> vst_engine_options:
        """For C, without callbacks."""
        options = sized(vst_engine_options)
        options.flags = VST_ENGINE_CHECKED * self.checked | VST_ENGINE_NO_PIPES * self.no_pipes
        options.max_conns, options.max_opening = self.max_conns, self.max_opening
        options.heavy_per_drive, options.events_per_drive = self.heavy_per_drive, self.events_per_drive
        options.reserve_fds, options.max_pipes = self.reserve_fds, self.max_pipes
        options.max_proxy_header_bytes = self.max_proxy_header_bytes
        options.trace_categories = self.trace_categories
        if self.group is not None:
            options.group = self.group.handle
        return options
