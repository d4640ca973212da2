"""Which install is meant by an address that guests share."""

import pytest

from provisioner.core.install import Install, Stage, sole
from tests.fakes import START

LOOPBACK = "127.0.0.1"

# The addresses of the running installs, and the place of the one that is meant.
RUNNING: dict[str, tuple[tuple[str, ...], int | None]] = {
    "nobody": ((), None),
    "one that spoke": ((LOOPBACK,), 0),
    "one that has not spoken": (("",), None),
    "one that spoke beside one that has not": ((LOOPBACK, ""), None),
    "two that spoke": ((LOOPBACK, LOOPBACK), None),
    "one beside a guest elsewhere": (("192.0.2.7", LOOPBACK), 1),
    "a guest elsewhere alone": (("192.0.2.7",), None),
}


@pytest.mark.parametrize(("addresses", "meant"), RUNNING.values(), ids=RUNNING)
def test_a_shared_address_is_somebodys_only_where_one_can_be_meant(
    addresses: tuple[str, ...], meant: int | None
) -> None:
    running = [
        Install(f"i{number}", f"web{number}", "m", "u", "tiny", Stage.LOADING, START, START, address=address)
        for number, address in enumerate(addresses)
    ]

    assert sole(running, LOOPBACK) == (None if meant is None else running[meant])
