"""Which network addresses we call at another system's word: never the cloud's own services beside this machine.

A name is looked up before it is called and its answer kept for a minute. It could change in between; behind https the
certificate still has to fit the name, and plain http goes to loopback and private addresses only.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

LookUp = Callable[[str], Iterable[str]]
_KEPT_S = 60.0
# where clouds tell a machine its own secrets, beyond the link-local 169.254.0.0/16: Alibaba, Oracle, AWS
_METADATA = frozenset(map(ipaddress.ip_address, ("100.100.100.200", "192.0.0.192", "fd00:ec2::254")))


class ForbiddenAddress(Exception):
    """This host is at an address that we do not call."""


def addresses_of(host: str) -> Iterable[str]:
    """The addresses of a host, as the system knows them; raise OSError when it knows none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that no name can have
        raise OSError(str(error)) from None
    return {str(entry[4][0]).partition("%")[0] for entry in found}


def is_forbidden(text: str, *, only_inside: bool) -> bool:
    """Whether we may not call this address; `only_inside`: nor any that is neither loopback nor private."""
    address = ipaddress.ip_address(text)
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_link_local or address.is_multicast or address.is_unspecified or address in _METADATA:
        return True
    return only_inside and not (address.is_loopback or address.is_private)


@dataclass
class Reach:
    """Looks hosts up in a thread of its own: a name that hangs holds up nobody else."""

    look_up: LookUp = addresses_of
    only_inside: bool = field(kw_only=True)
    _good_until: dict[str, float] = field(default_factory=dict)
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "names"))

    async def check(self, host: str) -> None:
        """Raise ForbiddenAddress when any address of the host may not be called, OSError when it has none."""
        if time.monotonic() < self._good_until.get(host, 0.0):
            return
        found = await asyncio.get_running_loop().run_in_executor(self._thread, self.look_up, host)
        if any(is_forbidden(address, only_inside=self.only_inside) for address in found):
            raise ForbiddenAddress(ForbiddenAddress.__doc__)
        self._good_until[host] = time.monotonic() + _KEPT_S
