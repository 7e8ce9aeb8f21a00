"""Addresses."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Optional, Union

from ._declarations import vst_addr
from ._library import functions
from ._memory import encoded, new_why, ref, text_of
from .constants import Family

#: An IPv4 or IPv6 address, without a port.
IpAddress = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]


@dataclass(frozen=True)
class Address:
    """Where one end of a connection is."""

    family: Family
    #: The IP address; None for others.
    ip: Optional[IpAddress] = None
    #: The port; 0 for others.
    port: int = 0
    #: The zone of a link-local IPv6 address, or 0.
    scope: int = 0
    #: The name of a unix socket, empty if it has none; an abstract one begins with NUL.
    path: bytes = b""

    @classmethod
    def parse(cls, text: str) -> Address:
        """
        Reads 192.0.2.1:80, [2001:db8::1]:80, unix:/path or unix:@abstract. Names of hosts are not resolved.

        Raises ArgumentError, which says where the text is wrong.
        """
        address, why = vst_addr(), new_why()
        functions().vst_addr_parse(encoded(text), ref(address), why, len(why))
        return cls.of(address)

    @classmethod
    def of(cls, address: vst_addr) -> Address:
        """Copies it from C."""
        family = Family(address.family)
        data = bytes(address.bytes[: address.len])
        if family is Family.IPV4:
            return cls(family, ipaddress.IPv4Address(data), address.port)
        if family is Family.IPV6:
            return cls(family, ipaddress.IPv6Address(data), address.port, address.scope)
        return cls(family, path=data)

    def to_c(self) -> vst_addr:
        """Copies it for C."""
        data = self.ip.packed if self.ip is not None else self.path
        address = vst_addr(self.family, self.port, len(data), self.scope)
        address.bytes[: len(data)] = list(data)
        return address

    def __str__(self) -> str:
        """As parse reads it, with what is not printable escaped; a dash for no address."""
        address = self.to_c()
        return text_of(lambda text, room, got: functions().vst_addr_text(ref(address), text, room, got))
