"""What is raised.

A status below 0 becomes a StatusError of the class that belongs to it. A connection that failed while somebody
waited for it is an EndedError, which has the whole cause.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Dict, Optional, Type

from .constants import Status

if TYPE_CHECKING:
    from .ends import End


class VestibuleError(Exception):
    """Everything that this package raises by itself."""


class LoadError(VestibuleError):
    """The library cannot be loaded, or is another than this package is for."""

    def __init__(self, path: str, sentence: str, found: Optional[int] = None, expected: Optional[int] = None) -> None:
        super().__init__(f"{path}: {sentence}")
        #: The path, or the name that the dynamic linker was asked for.
        self.path = path
        #: The version of the binary interface that the library has, if it says one.
        self.found = found
        #: The version that this package is for.
        self.expected = expected


class EndedError(VestibuleError):
    """A connection has failed, or has ended before what was asked of it was done."""

    def __init__(self, end: End) -> None:
        super().__init__(end.text)
        #: How: operation, reason, errno, alert, addresses, bytes.
        self.end = end


class Refusal(VestibuleError):
    """Raised by a handler to refuse its connection: text and code are in the connection's end."""

    def __init__(self, text: str, code: int = 0) -> None:
        super().__init__(text)
        #: What End.text has.
        self.text = text
        #: What End.host_code has.
        self.code = code


class StatusError(VestibuleError):
    """A function of the library returned a negative status."""

    def __init__(self, status: int, function: str, meaning: str, why: str = "", errno: int = 0) -> None:
        self.status = Status(status)
        #: The function of the header.
        self.function = function
        #: The library's sentence about this failure, which may have several lines; empty if it has none.
        self.why = why
        #: The errno of the system, or 0.
        self.errno = errno
        system = f" ({os.strerror(errno)})" if errno and not why else ""
        super().__init__(f"{function}: VST_{self.status.name}: {why or meaning}{system}")


class CallerError(StatusError):
    """The call was wrong."""


class ArgumentError(CallerError, ValueError):
    """An argument makes no sense."""


class StaleError(CallerError):
    """What is named is gone."""


class KindError(CallerError):
    """The id is of another kind of thing."""


class OtherEngineError(CallerError):
    """The id belongs to another engine."""


class ThreadError(CallerError):
    """The engine belongs to another thread."""


class StateError(CallerError):
    """It is not possible in the present state."""


class ReentrantError(CallerError):
    """It must not be called from this callback."""


class ModeError(CallerError):
    """The engine was made with options with which it does not work."""


class SpaceError(CallerError):
    """A buffer was too small."""


class UnsupportedError(CallerError):
    """This build of the library, or this kind of connection, does not have it."""


class GoneError(CallerError):
    """The engine of a waker is closed."""


class SystemCallError(StatusError):
    """A system call failed: see errno and why."""


class ConfigError(StatusError):
    """A file or a text of configuration could not be used: why says which, where and what is wrong."""


class PeerError(StatusError):
    """The peer, or the way to it."""


class ResetError(PeerError):
    """The connection was reset."""


class TruncatedError(PeerError):
    """The connection ended without a TLS close_notify: bytes may be missing."""


class FailedError(PeerError):
    """The connection failed for another reason."""


class DeniedError(PeerError):
    """The configuration does not admit the peer."""


class LimitError(StatusError):
    """A configured or built-in limit is reached."""


class InternalError(StatusError):
    """The library has failed; the engine can only be closed."""


_CLASSES: Dict[int, Type[StatusError]] = {
    Status.E_ARGUMENT: ArgumentError,
    Status.E_STALE: StaleError,
    Status.E_KIND: KindError,
    Status.E_ENGINE: OtherEngineError,
    Status.E_THREAD: ThreadError,
    Status.E_STATE: StateError,
    Status.E_REENTRANT: ReentrantError,
    Status.E_MODE: ModeError,
    Status.E_SPACE: SpaceError,
    Status.E_UNSUPPORTED: UnsupportedError,
    Status.E_GONE: GoneError,
    Status.E_SYSTEM: SystemCallError,
    Status.E_CONFIG: ConfigError,
    Status.E_RESET: ResetError,
    Status.E_TRUNCATED: TruncatedError,
    Status.E_FAILED: FailedError,
    Status.E_DENIED: DeniedError,
}

# The groups of the header: from which number down, and what a status of the group is without a class of its own.
_GROUPS = ((-50, InternalError), (-40, LimitError), (-30, PeerError), (-20, SystemCallError))


def class_of(status: int) -> Type[StatusError]:
    """The class of a negative status, also of one that is newer than this package."""
    found = _CLASSES.get(status)
    if found is not None:
        return found
    return next((group for most, group in _GROUPS if status <= most), CallerError)
