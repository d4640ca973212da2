"""A TFTP server, and what it tells."""

from collections.abc import Iterator

import pytest

from provisioner.netboot.datagrams import Plain
from provisioner.netboot.mmsg import best
from tests.edges.netboot.serving import Events, tftp


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture(params=[best, Plain], ids=["best", "plain"])
def port(events: Events, request: pytest.FixtureRequest) -> Iterator[int]:
    """Every test of it is run with the fast sockets of this platform and with those of any."""
    with tftp(events, datagrams=request.param) as server:
        yield server.port
