#!/usr/bin/env python3
"""How to use vestibule from Python with nothing but ctypes and selectors.

Listens, expects a PROXY header from every client, and answers each line with the client's address
and the line. Run it with the path of the library and, if you like, how many connections to serve:

    python3 vestibule_demo.py libvestibule.so.0 100

The port it listens on is the first line it prints. What matters when C calls back into Python:

* A callback object must live as long as C may call it: `Engine` keeps them as attributes.
* An exception cannot cross C: it is kept in the callback and raised by the drive call around it.
* Ids and tokens are plain integers. One that is stale is an error, never a crash.
* Structs start with their size; the `_init` functions fill in size and defaults.
"""

import ctypes as c
import errno
import selectors
import sys
import time

ABI_VERSION = 1

OK, WAIT, END = 0, 1, 2
E_STALE = -3
IO_IN, IO_OUT, IO_HANGUP, IO_RELEASED = 1, 2, 4, 32
WAIT_RUNNABLE = 128
NEVER = 2**64 - 1
SESSION, READABLE, WRITABLE, REFUSED, CLOSED = 1, 3, 4, 5, 6


class Addr(c.Structure):
    _fields_ = [("family", c.c_uint16), ("port", c.c_uint16), ("len", c.c_uint32),
                ("scope", c.c_uint32), ("bytes", c.c_uint8 * 108)]


class Event(c.Structure):
    _fields_ = [("size", c.c_uint32), ("kind", c.c_uint32), ("id", c.c_uint64),
                ("user", c.c_void_p), ("end", c.c_void_p), ("end_server", c.c_void_p),
                ("stream", c.c_void_p), ("sys_errno", c.c_int32),
                ("fd", c.c_int32), ("old_mask", c.c_uint32), ("new_mask", c.c_uint32),
                ("server", c.c_uint32), ("reason", c.c_uint32)]


class Wait(c.Structure):
    _fields_ = [("size", c.c_uint32), ("flags", c.c_uint32), ("deadline_ns", c.c_uint64),
                ("conns", c.c_uint32), ("streams", c.c_uint32), ("listeners", c.c_uint32),
                ("_reserved", c.c_uint32)]


# use_errno and use_last_error stay off: the library leaves errno alone.
InterestFn = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_int32, c.c_uint64, c.c_uint32, c.c_uint32,
                         c.c_void_p)
EventFn = c.CFUNCTYPE(None, c.c_void_p, c.c_void_p, c.POINTER(Event))


class EngineOptions(c.Structure):
    _fields_ = [("size", c.c_uint32), ("_reserved", c.c_uint32), ("flags", c.c_uint64),
                ("trigger", c.c_uint32), ("max_conns", c.c_uint32), ("max_opening", c.c_uint32),
                ("heavy_per_drive", c.c_uint32), ("events_per_drive", c.c_uint32),
                ("reserve_fds", c.c_uint32), ("max_proxy_header_bytes", c.c_uint32),
                ("max_pipes", c.c_uint32), ("data", c.c_void_p), ("fdset", c.c_void_p),
                ("fdclr", c.c_void_p), ("interest", InterestFn), ("timer", c.c_void_p),
                ("event", EventFn), ("log", c.c_void_p)]


class AcceptOptions(c.Structure):
    _fields_ = [("size", c.c_uint32), ("cip_magic", c.c_uint32), ("flags", c.c_uint64),
                ("accept_proxy", c.c_char_p), ("tls", c.c_void_p), ("timeout_proxy_ns", c.c_uint64),
                ("timeout_tls_ns", c.c_uint64), ("timeout_opening_ns", c.c_uint64),
                ("linger_ns", c.c_uint64), ("drain_ns", c.c_uint64), ("drain_bytes", c.c_uint64),
                ("monitor", c.c_void_p)]


class VestibuleError(Exception):
    """A call was refused; `status` says how."""

    def __init__(self, status, text):
        super().__init__(f"{text} ({status})")
        self.status = status


class Library:
    """The library, with types for the functions that are used here."""

    POINTER, ID, SIZE = c.c_void_p, c.c_uint64, c.c_size_t
    FUNCTIONS = {
        "engine_options_init": [c.POINTER(EngineOptions), c.c_uint32],
        "engine_new": [c.POINTER(EngineOptions), c.POINTER(POINTER), c.c_char_p, SIZE],
        "engine_free": [POINTER],
        "engine_ready": [POINTER, ID, c.c_uint32, c.c_uint64, c.POINTER(Wait)],
        "engine_run": [POINTER, c.c_uint64, c.POINTER(Wait)],
        "engine_wait": [POINTER, c.POINTER(Wait)],
        "accept_options_init": [c.POINTER(AcceptOptions), c.c_uint32],
        "accept_config_new": [c.POINTER(AcceptOptions), c.POINTER(POINTER), c.c_char_p, SIZE],
        "listener_open": [POINTER, c.c_char_p, POINTER, POINTER, c.POINTER(ID),
                          c.POINTER(c.c_int32), c.c_char_p, SIZE],
        "listener_addr": [POINTER, ID, c.POINTER(Addr)],
        "addr_text": [c.POINTER(Addr), c.c_char_p, SIZE, c.POINTER(SIZE)],
        "conn_addrs": [POINTER, ID, c.POINTER(Addr), c.POINTER(Addr)],
        "conn_recv": [POINTER, ID, c.c_char_p, SIZE, c.POINTER(SIZE)],
        "conn_send": [POINTER, ID, c.c_char_p, SIZE, c.POINTER(SIZE)],
        "conn_close": [POINTER, ID],
        "conn_abort": [POINTER, ID],
    }

    def __init__(self, path):
        self._library = c.CDLL(path)
        # Before anything else: another version has other structs.
        self._library.vst_abi_version.restype = c.c_uint32
        found = self._library.vst_abi_version()
        if found != ABI_VERSION:
            raise RuntimeError(f"{path} has binary interface {found}, not {ABI_VERSION}")
        self._library.vst_strerror.restype = c.c_char_p
        self._library.vst_strerror.argtypes = [c.c_int32]
        self._library.vst_accept_config_free.restype = None
        self._library.vst_accept_config_free.argtypes = [c.c_void_p]
        for name, arguments in self.FUNCTIONS.items():
            function = getattr(self._library, "vst_" + name)
            function.restype = c.c_int32
            function.argtypes = arguments

    def call(self, name, *arguments):
        """Calls vst_<name>: the status if it is 0 or more, else an exception."""
        status = getattr(self._library, "vst_" + name)(*arguments)
        if status < 0:
            raise VestibuleError(status, self._library.vst_strerror(status).decode())
        return status

    def make(self, name, *arguments):
        """The same for a function that writes why it failed: the exception has that sentence."""
        why = c.create_string_buffer(512)
        status = getattr(self._library, "vst_" + name)(*arguments, why, len(why))
        if status < 0:
            raise VestibuleError(status, why.value.decode())

    def accept_config_free(self, config):
        self._library.vst_accept_config_free(config)


class Engine:
    """An engine, hosted by a selector. Override `on_event`."""

    def __init__(self, library):
        self.library = library
        self.selector = selectors.DefaultSelector()
        self.wait = Wait(size=c.sizeof(Wait))
        self._error = None
        # These two attributes keep the callbacks alive: C holds only their addresses.
        self._interest = InterestFn(self._guarded(self._on_interest))
        self._event = EventFn(self._guarded(self._on_event))
        options = EngineOptions()
        library.call("engine_options_init", c.byref(options), c.sizeof(options))
        options.interest = self._interest
        options.event = self._event
        self.handle = c.c_void_p()
        library.make("engine_new", c.byref(options), c.byref(self.handle))

    def on_event(self, kind, conn):
        raise NotImplementedError

    def _guarded(self, function):
        def callback(*arguments):
            try:
                return function(*arguments) or 0
            except Exception as error:  # raised again by `_drive`
                self._error = self._error or error
                return errno.EIO
        return callback

    def _on_interest(self, _data, fd, token, old, new, _user):
        wanted = 0
        if new & IO_IN:
            wanted |= selectors.EVENT_READ
        if new & IO_OUT:
            wanted |= selectors.EVENT_WRITE
        known = fd in self.selector.get_map()
        if new & IO_RELEASED:
            wanted = 0
        if known and wanted:
            self.selector.modify(fd, wanted, token)
        elif known:
            self.selector.unregister(fd)
        elif wanted:
            self.selector.register(fd, wanted, token)

    def _on_event(self, _data, _engine, event):
        # The event's memory is the library's: take what is needed out of it now.
        self.on_event(event.contents.kind, event.contents.id)

    def _drive(self, name, *arguments):
        try:
            self.library.call(name, self.handle, *arguments, c.byref(self.wait))
        except VestibuleError as error:
            # A late readiness of something that is gone does no harm.
            if error.status != E_STALE:
                raise
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def turn(self):
        """Waits for something to happen, and lets it happen."""
        timeout = None
        if self.wait.flags & WAIT_RUNNABLE:
            timeout = 0
        elif self.wait.deadline_ns != NEVER:
            timeout = max(0, self.wait.deadline_ns - time.monotonic_ns()) / 1e9
        for key, events in self.selector.select(timeout):
            reported = 0
            if events & selectors.EVENT_READ:
                reported |= IO_IN
            if events & selectors.EVENT_WRITE:
                reported |= IO_OUT
            # key.data is the token; 0 has the library read the same monotonic clock.
            self._drive("engine_ready", key.data, reported, 0)
        if self.wait.flags & WAIT_RUNNABLE or self.wait.deadline_ns <= time.monotonic_ns():
            self._drive("engine_run", 0)

    def listen(self, address, trusted):
        """Listens for clients that send a PROXY header; says where."""
        options = AcceptOptions()
        self.library.call("accept_options_init", c.byref(options), c.sizeof(options))
        options.accept_proxy = trusted.encode()
        config = c.c_void_p()
        self.library.make("accept_config_new", c.byref(options), c.byref(config))
        listener, errno, addr = c.c_uint64(), c.c_int32(), Addr()
        try:
            self.library.make("listener_open", self.handle, address.encode(), config, None,
                              c.byref(listener), c.byref(errno))
        finally:
            self.library.accept_config_free(config)
        self.library.call("listener_addr", self.handle, listener, c.byref(addr))
        # What was done outside of a drive call may have moved the deadline.
        self._drive("engine_wait")
        return self.text(addr)

    def text(self, addr):
        text, length = c.create_string_buffer(512), c.c_size_t()
        self.library.call("addr_text", c.byref(addr), text, len(text), c.byref(length))
        return text.raw[:length.value].decode()

    def source(self, conn):
        source, destination = Addr(), Addr()
        self.library.call("conn_addrs", self.handle, conn, c.byref(source), c.byref(destination))
        return self.text(source)

    def recv(self, conn, size=4096):
        """Bytes, b"" at the end, or None when there are none now."""
        buffer, got = c.create_string_buffer(size), c.c_size_t()
        status = self.library.call("conn_recv", self.handle, conn, buffer, size, c.byref(got))
        return {OK: buffer.raw[:got.value], END: b"", WAIT: None}[status]

    def send(self, conn, data):
        """How many bytes were taken; 0 means to wait for WRITABLE."""
        taken = c.c_size_t()
        self.library.call("conn_send", self.handle, conn, data, len(data), c.byref(taken))
        return taken.value

    def close(self, conn):
        self.library.call("conn_close", self.handle, conn)

    def free(self):
        self.library.call("engine_free", self.handle)
        self.selector.close()


class Echo(Engine):
    """Answers each line with who sent it."""

    def __init__(self, library):
        super().__init__(library)
        self.pending = {}  # by connection: [unread line, unsent bytes, ended]
        self.served = 0

    def on_event(self, kind, conn):
        if kind == SESSION:
            self.pending[conn] = [b"", b"", False]
        if kind in (SESSION, READABLE, WRITABLE):
            self.serve(conn)
        if kind in (CLOSED, REFUSED):
            self.pending.pop(conn, None)
            self.served += 1

    def serve(self, conn):
        state = self.pending[conn]
        try:
            while True:
                while state[1]:
                    taken = self.send(conn, state[1])
                    if taken == 0:
                        return
                    state[1] = state[1][taken:]
                if state[2]:
                    self.close(conn)
                    return
                data = self.recv(conn)
                if data is None:
                    return
                state[2] = data == b""
                *lines, state[0] = (state[0] + data).split(b"\n")
                source = self.source(conn).encode()
                state[1] = b"".join(source + b" " + line + b"\n" for line in lines)
        except VestibuleError:
            # The peer tore it down: give it up, and CLOSED tells the rest.
            self.library.call("conn_abort", self.handle, conn)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    most = int(sys.argv[2]) if len(sys.argv) == 3 else None
    echo = Echo(Library(sys.argv[1]))
    print(echo.listen("127.0.0.1:0", "127.0.0.0/8"), flush=True)
    while most is None or echo.served < most:
        echo.turn()
    echo.free()


if __name__ == "__main__":
    main()
