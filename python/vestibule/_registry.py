"""
What C's callbacks find their objects by.

The functions that C calls are made once and live as long as the process. They are given a number, and look up whose
it is: so no callback can be called after it is freed, and a late one finds nobody.
"""

from __future__ import annotations

import ctypes
import itertools
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .engine import Engine
    from .handlers import Handler

#: Numbers that are given once; 0 is none.
numbers = itertools.count(1)

#: Engines by the number that their callbacks are given.
engines: weakref.WeakValueDictionary[int, Engine] = weakref.WeakValueDictionary()
#: Engines by the address of their handle.
handles: weakref.WeakValueDictionary[int, Engine] = weakref.WeakValueDictionary()
#: Handlers by the number that their callbacks are given.
handlers: weakref.WeakValueDictionary[int, Handler] = weakref.WeakValueDictionary()


def unraisable(error: BaseException) -> None:
    """Has sys.unraisablehook called: only the interpreter can make what the hook is given."""

    def callback() -> None:
        raise error

    # An exception in a callback of ctypes goes there.
    ctypes.CFUNCTYPE(None)(callback)()
