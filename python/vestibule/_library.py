"""Finds the shared library, loads it, and sees that it is one that the declarations are for."""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path
from typing import Any, Optional, Tuple

from ._declarations import SYS_ERRNO_AT, VST_ABI_VERSION, WHY_AT, Functions
from .constants import Feature
from .errors import LoadError, class_of

SONAME = "libvestibule.so.0"
VARIABLE = "VESTIBULE_LIBRARY"
#: Where a wheel has it.
INSIDE = Path(__file__).resolve().parent / "lib" / SONAME


class Library:
    """A loaded library."""

    def __init__(self, path: str) -> None:
        #: The path, or the name that the dynamic linker was asked for.
        self.path = path
        try:
            loaded = ctypes.CDLL(path)
        except OSError as error:
            raise LoadError(path, f"it cannot be loaded: {error}", expected=VST_ABI_VERSION) from None
        version = getattr(loaded, "vst_abi_version", None)
        if version is None:
            raise LoadError(path, "it is not vestibule: it has no vst_abi_version", expected=VST_ABI_VERSION)
        version.restype = ctypes.c_uint32
        version.argtypes = []
        # Before anything else is used: structs of another version are laid out in another way.
        found = int(version())
        if found != VST_ABI_VERSION:
            sentence = f"it has version {found} of the binary interface, and this package is for {VST_ABI_VERSION}"
            raise LoadError(path, sentence, found, VST_ABI_VERSION)
        #: Its functions by their names in the header. What is not wrapped is called here.
        self.functions = Functions(loaded, self._check)
        #: The version of the library, as text.
        self.version = self.functions.vst_version().decode()
        features = ctypes.c_uint64()
        loaded.vst_features(ctypes.byref(features))
        #: What it was built with.
        self.features = Feature(features.value)
        self._loaded = loaded

    def _check(self, status: int, function: Any, arguments: Tuple[Any, ...]) -> int:
        """Called by ctypes with what a function returned."""
        if status >= 0:
            return status
        name: str = function.__name__
        why_at, errno_at = WHY_AT.get(name), SYS_ERRNO_AT.get(name)
        why = arguments[why_at] if why_at is not None else None
        # What byref makes has the object in _obj.
        errno = arguments[errno_at] if errno_at is not None else None
        raise class_of(status)(
            status,
            name,
            self.functions.vst_strerror(status).decode(),
            why.value.decode(errors="replace") if why is not None else "",
            errno._obj.value if errno is not None else 0,
        )


_lock = threading.Lock()
_current: Optional[Library] = None


def load(path: Optional[str] = None) -> Library:
    """
    Loads the library, or returns the one that is loaded: a process has one.

    It is taken from path; else from the environment variable VESTIBULE_LIBRARY; else from the package, where it is
    in a wheel; else by the name libvestibule.so.0, as the dynamic linker finds it. What needs the library calls
    this without a path.

    Raises LoadError when there is none, when it has another version of the binary interface, and when another
    path is given than that of the library that is loaded.
    """
    global _current
    with _lock:
        if _current is None:
            inside = str(INSIDE) if INSIDE.is_file() else SONAME
            _current = Library(path or os.environ.get(VARIABLE) or inside)
        elif path is not None and path != _current.path:
            raise LoadError(path, f"{_current.path} is loaded already, and a process has one")
        return _current


def functions() -> Functions:
    """The functions of the library, which is loaded if none is."""
    return (_current or load()).functions


def unload() -> None:
    """Forgets the library. Whatever was made by it must be gone."""
    global _current
    with _lock:
        _current = None
