"""A connection of its own for whatever moves bytes.

libvirt's client (9.0) confuses a stream with calls that other threads make by the same connection: once in
about a thousand streams a call never returns, or the connection breaks. Opening one costs a millisecond.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Concatenate, ParamSpec, TypeVar

import libvirt

from provisioner.hypervisor import devices

P = ParamSpec("P")
T = TypeVar("T")


def alone(
    function: Callable[Concatenate[libvirt.virConnect, P], T],
) -> Callable[Concatenate[libvirt.virConnect, P], T]:
    """The function, given a connection to the same host that nobody else uses."""

    @functools.wraps(function)
    def called(connection: libvirt.virConnect, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with own(connection) as fresh:
            return function(fresh, *args, **kwargs)

    return called


@contextlib.contextmanager
def own(connection: libvirt.virConnect) -> Iterator[libvirt.virConnect]:
    """Another connection to the same host, until the block ends. Raises libvirtError."""
    uri = connection.getURI()
    if devices.is_test(uri):  # that driver lives in this process, and forgets with its last connection
        yield connection
        return
    fresh = libvirt.open(uri)
    try:
        yield fresh
    finally:
        fresh.close()
