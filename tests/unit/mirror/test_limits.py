"""What one host is asked for at a time: in the order of coming, in equal shares, and not for ever."""

import asyncio

import pytest

from provisioner.core.errors import Unavailable
from provisioner.mirror import limits
from provisioner.mirror.limits import Limits

URL = "http://m.example/debian"


async def test_connections_are_given_in_the_order_of_coming() -> None:
    made, order = Limits(2), []

    async def one(number: int) -> None:
        free = await made.connect(URL)
        order.append(number)
        await asyncio.sleep(0)
        free()

    await asyncio.gather(*(one(number) for number in range(20)))

    assert order == list(range(20))


async def test_no_more_than_so_many_at_once_and_each_host_by_itself() -> None:
    made, here, most = Limits(3), 0, 0

    async def one(url: str) -> None:
        nonlocal here, most
        free = await made.connect(url)
        here, most = here + 1, max(most, here + 1)
        await asyncio.sleep(0.001)
        here -= 1
        free()

    await asyncio.gather(*(one("ftp://me:secret@m.example/x") for _ in range(20)))
    assert most == 3
    await asyncio.gather(*(one(f"http://m{number % 2}.example/x") for number in range(20)))
    assert most == 6


async def test_a_wait_ends_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WAIT_SECONDS", 0.01)
    made = Limits(1)
    free = await made.connect(URL)
    with pytest.raises(Unavailable, match=r"all 1 connections to m\.example are in use") as refusal:
        await made.connect(URL)
    free()

    assert "mirror_connections" in refusal.value.remedy
    (await made.connect(URL))()


async def test_without_a_limit_nobody_waits() -> None:
    made = Limits()
    await asyncio.gather(*(made.connect(URL) for _ in range(1000)))
    await asyncio.gather(*(made.spend(URL, 1 << 30) for _ in range(1000)))


async def test_bytes_come_at_the_rate_and_every_transfer_has_the_same_share() -> None:
    made, got = Limits(0, 4_000_000), {64_000: 0, 256_000: 0}
    loop = asyncio.get_running_loop()
    begun = loop.time()

    async def transfer(piece: int) -> None:
        while sum(got.values()) < 2_000_000:
            await made.spend(URL, piece)
            got[piece] += piece

    await asyncio.gather(*(transfer(piece) for piece in got))
    rate = sum(got.values()) / (loop.time() - begun)

    assert rate < 4_000_000 * 1.3, "a tenth of a second ahead at most"
    assert 0.6 < got[64_000] / got[256_000] < 1.6
