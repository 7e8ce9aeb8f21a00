"""Groups: what engines in several threads share that serve the same purpose."""

from __future__ import annotations

from ._declarations import vst_group
from ._library import functions
from ._memory import Handle, ref


class Group(Handle):
    """
    Engines with the same backends, by name: made with EngineOptions(group=...), they share the health checks of
    servers, what is set of them, and the sums of the metrics.
    """

    def __init__(self) -> None:
        out = vst_group()
        functions().vst_group_new(ref(out))
        #: The handle, for functions that are not wrapped.
        self.handle = self._own(out, functions().vst_group_free)
