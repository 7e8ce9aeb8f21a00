"""Certificates and TLS."""

from __future__ import annotations

import datetime
import os
from ctypes import c_uint64
from typing import List, NamedTuple, Optional, Sequence, Union

from ._declarations import (
    VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION,
    VST_TLS_CLIENT_KEY_LOG,
    VST_TLS_CLIENT_NO_POST_QUANTUM,
    VST_TLS_CLIENT_NO_SESSION_CACHE,
    VST_TLS_SERVER_KEY_LOG,
    VST_TLS_SERVER_NO_SESSION_CACHE,
    VST_TLS_SERVER_NO_TICKETS,
    VST_TLS_SERVER_STRICT_SNI,
    vst_identity,
    vst_pem,
    vst_tls_client,
    vst_tls_client_options,
    vst_tls_server,
    vst_tls_server_options,
)
from ._library import functions
from ._memory import Handle, address_of, encoded, first, new_why, ref, sized, text_of
from .constants import ClientAuth, TlsVersion

#: PEM text as bytes, or the path of a file that has it.
Pem = Union[bytes, str, "os.PathLike[str]"]


class Identity(NamedTuple):
    """A certificate chain, our own certificate first, and its key."""

    chain: Pem
    #: Without a passphrase; None: it is in chain.
    key: Optional[Pem] = None


class _Kept(List[object]):
    """Reads PEM for a struct, and keeps what the struct points to."""

    def pem(self, source: Optional[Pem]) -> vst_pem:
        if source is None:
            return vst_pem()
        if isinstance(source, bytes):
            self.append(source)
            return vst_pem(bytes=address_of(source), len=len(source))
        path = os.fsencode(source)
        self.append(path)
        return vst_pem(file=path)

    def identity(self, one: Identity) -> vst_identity:
        return vst_identity(chain=self.pem(one.chain), key=self.pem(one.key))


def _alpn(protocols: Sequence[str]) -> Optional[bytes]:
    return encoded(",".join(protocols)) if protocols else None


def _moment(seconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


class TlsServer(Handle):
    """The TLS of incoming connections. Any number of configurations may use it; it never changes."""

    def __init__(
        self,
        identities: Union[Identity, Sequence[Identity]],
        *,
        client_auth: ClientAuth = ClientAuth.NONE,
        client_ca: Optional[Pem] = None,
        client_crl: Optional[Pem] = None,
        alpn: Sequence[str] = (),
        min_version: Optional[TlsVersion] = None,
        max_version: Optional[TlsVersion] = None,
        ticket_lifetime_s: int = 0,
        client_ticket_lifetime_s: int = 0,
        session_cache: int = 0,
        strict_sni: bool = False,
        no_tickets: bool = False,
        no_session_cache: bool = False,
        key_log: bool = False,
    ) -> None:
        """
        A client gets the certificate with the name (SNI) that it sends: an exact match, else a wildcard, else the
        first of identities. Options are those of vst_tls_server_options; lifetimes are in whole seconds, and 0 is
        the default.

        Raises ConfigError, whose why names the file, the line, what is wrong and what to do about it, and
        ArgumentError.
        """
        kept, list_ = _Kept(), [identities] if isinstance(identities, Identity) else list(identities)
        made = (vst_identity * len(list_))(*(kept.identity(one) for one in list_))
        options = sized(vst_tls_server_options)
        options.identities, options.identity_count = first(made), len(list_)
        options.client_auth = client_auth
        options.client_ca, options.client_crl = kept.pem(client_ca), kept.pem(client_crl)
        options.alpn = _alpn(alpn)
        options.min_version, options.max_version = min_version or 0, max_version or 0
        options.ticket_lifetime_s = ticket_lifetime_s
        options.client_ticket_lifetime_s = client_ticket_lifetime_s
        options.session_cache = session_cache
        options.flags = (
            VST_TLS_SERVER_STRICT_SNI * strict_sni
            | VST_TLS_SERVER_NO_TICKETS * no_tickets
            | VST_TLS_SERVER_NO_SESSION_CACHE * no_session_cache
            | VST_TLS_SERVER_KEY_LOG * key_log
        )
        out, why = vst_tls_server(), new_why()
        functions().vst_tls_server_new(ref(options), ref(out), why, len(why))
        self._take(out, why.value)

    def _take(self, handle: vst_tls_server, note: bytes) -> None:
        #: The handle, for functions that are not wrapped.
        self.handle = self._own(handle, functions().vst_tls_server_free)
        #: That a certificate has expired, or is not valid yet; empty if there is nothing to say.
        self.note = note.decode(errors="replace")

    @classmethod
    def self_signed(cls, *names: str) -> TlsServer:
        """
        With a new certificate for these DNS names and IP addresses, which no client trusts. For development.

        Raises ConfigError for a name that no certificate can have, and UnsupportedError.
        """
        out, why = vst_tls_server(), new_why()
        functions().vst_tls_server_self_signed(encoded(",".join(names)), ref(out), why, len(why))
        made = cls.__new__(cls)
        made._take(out, b"")
        return made

    def not_after(self, index: int = 0) -> datetime.datetime:
        """The last second in which the certificate of identities[index] is valid. Raises ArgumentError."""
        moment = c_uint64()
        functions().vst_tls_server_not_after(self.handle, index, ref(moment))
        return _moment(moment.value)

    def take_key_log(self) -> str:
        """The secrets since the last call, in the NSS key log format; they are forgotten. Needs key_log."""
        return text_of(lambda text, room, got: functions().vst_tls_server_take_key_log(self.handle, text, room, got))


class TlsClient(Handle):
    """The TLS of outgoing connections. Any number of configurations may use it; it never changes."""

    def __init__(
        self,
        *,
        ca: Optional[Pem] = None,
        crl: Optional[Pem] = None,
        identity: Optional[Identity] = None,
        alpn: Sequence[str] = (),
        min_version: Optional[TlsVersion] = None,
        max_version: Optional[TlsVersion] = None,
        session_lifetime_s: int = 0,
        session_cache: int = 0,
        no_session_cache: bool = False,
        no_post_quantum: bool = False,
        key_log: bool = False,
        dangerously_skip_verification: bool = False,
    ) -> None:
        """
        Servers are verified against ca; without it, against what the system trusts. Options are those of
        vst_tls_client_options; lifetimes are in whole seconds, and 0 is the default.

        Raises ConfigError, whose why names the file, the line, what is wrong and what to do about it, and
        ArgumentError.
        """
        kept = _Kept()
        options = sized(vst_tls_client_options)
        options.ca, options.crl = kept.pem(ca), kept.pem(crl)
        if identity is not None:
            made = (vst_identity * 1)(kept.identity(identity))
            options.identity = first(made)
        options.alpn = _alpn(alpn)
        options.min_version, options.max_version = min_version or 0, max_version or 0
        options.session_lifetime_s = session_lifetime_s
        options.session_cache = session_cache
        options.flags = (
            VST_TLS_CLIENT_NO_SESSION_CACHE * no_session_cache
            | VST_TLS_CLIENT_NO_POST_QUANTUM * no_post_quantum
            | VST_TLS_CLIENT_KEY_LOG * key_log
            | VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION * dangerously_skip_verification
        )
        out, why = vst_tls_client(), new_why()
        functions().vst_tls_client_new(ref(options), ref(out), why, len(why))
        #: The handle, for functions that are not wrapped.
        self.handle = self._own(out, functions().vst_tls_client_free)
        #: That a certificate has expired, or is not valid yet; empty if there is nothing to say.
        self.note = why.value.decode(errors="replace")

    def not_after(self) -> datetime.datetime:
        """The last second in which our own certificate is valid. Raises StateError if there is none."""
        moment = c_uint64()
        functions().vst_tls_client_not_after(self.handle, ref(moment))
        return _moment(moment.value)

    def take_key_log(self) -> str:
        """The secrets since the last call, in the NSS key log format; they are forgotten. Needs key_log."""
        return text_of(lambda text, room, got: functions().vst_tls_client_take_key_log(self.handle, text, room, got))
