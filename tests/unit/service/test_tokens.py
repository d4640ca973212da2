import os
import stat
from pathlib import Path

import pytest

from provisioner.core.errors import Denied, Invalid, ProvisionerError, Unavailable
from provisioner.core.install import Install, Kind, Stage
from provisioner.service.ports import TokenKind
from provisioner.service.tokens import KINDS, Tokens, digest, load_key
from provisioner.service.waits import unhurried
from tests.fakes import START, FakeClock
from tests.memory import MemoryStore
from tests.unit.service.world import KEY, World

INSTALL = Install("i1", "web1", "52:54:00:00:00:01", "u", "tiny", Stage.BOOTING, START, START)


async def issued(world: World) -> Tokens:
    await world.memory.add_install(INSTALL, None)
    await world.tokens().issue(INSTALL)
    return world.tokens()


async def test_a_token_is_the_same_after_a_restart_and_fits_a_url(world: World) -> None:
    token = world.tokens().mint("i1", "answer", 1)

    assert token == world.tokens().mint("i1", "answer", 1)
    assert len(token) == 43
    assert token.replace("-", "").replace("_", "").isalnum()


async def test_every_install_kind_generation_and_key_has_its_own_token(world: World) -> None:
    other = Tokens(b"x" * 32, world.memory, world.clock)

    minted = [
        tokens.mint(install, kind, generation)
        for tokens in (world.tokens(), other)
        for install in ("i1", "i2")
        for kind in KINDS
        for generation in (1, 2)
    ]

    assert len(set(minted)) == len(minted) == 24


async def test_the_store_never_sees_a_token(world: World) -> None:
    tokens = await issued(world)
    kept = repr(vars(world.memory))

    for kind in KINDS:
        assert tokens.mint("i1", kind, 1) not in kept
        assert digest(tokens.mint("i1", kind, 1)) in kept


@pytest.mark.parametrize("kind", KINDS)
async def test_a_good_token_unlocks_its_install(world: World, kind: TokenKind) -> None:
    tokens = await issued(world)

    assert await tokens.check(tokens.mint("i1", kind, 1), kind) == INSTALL


@pytest.mark.parametrize(
    "token", ["", "x", "A" * 43, "A" * 44, "Ä" * 43, "../" * 14 + "x", "A" * 42 + "\n", "A" * 100_000]
)
async def test_an_unknown_token_is_denied(world: World, token: str) -> None:
    tokens = await issued(world)

    for kind in KINDS:
        with pytest.raises(Denied, match=f"the {kind} token is not known"):
            await tokens.check(token, kind)


async def test_a_token_opens_its_own_door_only(world: World) -> None:
    tokens = await issued(world)

    for kind in KINDS:
        for other in set(KINDS) - {kind}:
            with pytest.raises(Denied, match=f"is not its {kind} token"):
                await tokens.check(tokens.mint("i1", other, 1), kind)


async def test_a_token_of_another_generation_or_key_is_denied(world: World) -> None:
    tokens = await issued(world)

    with pytest.raises(Denied):
        await tokens.check(tokens.mint("i1", "answer", 2), "answer")
    with pytest.raises(Denied):
        await Tokens(b"x" * 32, world.memory, world.clock).check(tokens.mint("i1", "answer", 1), "answer")


async def test_a_token_expires_an_hour_after_the_last_sign_of_life(world: World) -> None:
    tokens = await issued(world)
    token = tokens.mint("i1", "answer", 1)

    world.clock.pass_(3599)
    assert await tokens.check(token, "answer")
    await world.happen(Kind.TREE_BYTES)
    world.clock.pass_(3599)
    assert await tokens.check(token, "answer")
    world.clock.pass_(1)
    with pytest.raises(Denied, match="the answer token of install i1 has expired"):
        await tokens.check(token, "answer")


async def test_an_end_leaves_the_report_token_a_quarter_of_an_hour(world: World) -> None:
    tokens = await issued(world)
    await world.happen(Kind.ANSWER_SERVED, Kind.SUCCEEDED, Kind.REBOOTED)

    for kind in ("stub", "answer"):
        with pytest.raises(Denied, match="revoked: the install is over"):
            await tokens.check(tokens.mint("i1", kind, 1), kind)
    assert (await tokens.check(tokens.mint("i1", "report", 1), "report")).stage is Stage.INSTALLED
    world.clock.pass_(15 * 60)
    with pytest.raises(Denied, match="has expired"):
        await tokens.check(tokens.mint("i1", "report", 1), "report")


async def test_issuing_again_lengthens_and_never_revives(world: World) -> None:
    tokens = await issued(world)
    world.clock.pass_(4000)
    await tokens.issue(INSTALL)
    assert await tokens.check(tokens.mint("i1", "stub", 1), "stub")

    await world.happen(Kind.CANCELLED)
    await tokens.issue(INSTALL)
    with pytest.raises(Denied, match="revoked"):
        await tokens.check(tokens.mint("i1", "stub", 1), "stub")


async def test_the_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "state" / "service.key"

    key = load_key(path)

    assert (len(key), stat.S_IMODE(path.stat().st_mode)) == (32, 0o600)
    assert load_key(path) == key
    assert [file.name for file in path.parent.iterdir()] == ["service.key"]
    assert load_key(tmp_path / "other") != key


def short(path: Path) -> None:
    path.write_bytes(b"1")
    path.chmod(0o600)


def empty(path: Path) -> None:
    path.write_bytes(b"")
    path.chmod(0o600)


def readable(path: Path) -> None:
    path.write_bytes(KEY)
    path.chmod(0o640)


def folder(path: Path) -> None:
    path.mkdir(mode=0o700)


def link(path: Path) -> None:
    target = path.with_name("target")
    target.write_bytes(KEY)
    path.symlink_to(target)


BAD_KEYS = {
    "short": (short, Invalid, "has 1 bytes; it needs 32"),
    "empty": (empty, Invalid, "has 0 bytes; it needs 32"),
    "readable to the group": (readable, Invalid, r"open to others \(mode 0640\)"),
    "a folder": (folder, Unavailable, "cannot be read"),
    "a link": (link, Unavailable, "cannot be read"),
}


@pytest.mark.parametrize(("make", "error", "sentence"), BAD_KEYS.values(), ids=BAD_KEYS)
def test_a_key_that_is_not_safe_is_refused(
    tmp_path: Path, make: object, error: type[ProvisionerError], sentence: str
) -> None:
    path = tmp_path / "service.key"
    make(path)  # type: ignore[operator]

    with pytest.raises(error, match=sentence) as caught:
        load_key(path)
    assert caught.value.remedy


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "service.key"
    path.write_bytes(KEY)
    path.chmod(0)

    with pytest.raises(Unavailable, match="cannot be read"):
        load_key(path)


def test_a_short_key_makes_no_tokens() -> None:
    clock = FakeClock()

    with pytest.raises(Invalid, match="has 3 bytes"):
        Tokens(b"abc", MemoryStore(clock), clock)


@pytest.mark.parametrize("days", [1, 3650, -1])
async def test_a_date_that_is_set_takes_no_token_away_and_time_does(world: World, days: int) -> None:
    """Backwards the date itself is asked, for then it says the later end."""
    steady = 0.0
    await issued(world)
    ends = unhurried(world.clock, lambda: steady)
    tokens = Tokens(KEY, world.memory, world.clock, 60, ends=ends)
    token = tokens.mint("i1", "answer", 1)

    world.clock.pass_(days * 86400)
    assert (await tokens.check(token, "answer")).id == "i1"
    steady += 3599
    world.clock.pass_(3599)
    assert (await tokens.check(token, "answer")).id == "i1"
    steady += 1
    world.clock.pass_(1 if days > 0 else 86400 + 1)

    with pytest.raises(Denied, match="has expired"):
        await tokens.check(token, "answer")
