"""What GRUB and PXELINUX are given for a machine: by TFTP, by HTTP, and what they are not given."""

from pathlib import Path
from weakref import ref

import pytest

from provisioner.boot.client import Ignore, Local, Question
from provisioner.boot.decide import Offer
from provisioner.core.firmware import Dialect
from provisioner.core.guest import GuestSpec, Nic
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.core.machine import Machine
from provisioner.core.profile import Tree
from provisioner.service.ports import GuestRow
from provisioner.service.recipes import Recipes
from provisioner.service.snapshot import Snapshot
from tests.fakes import START
from tests.unit.service.world import World

HERE = Local("virbr0", "192.168.122.1")
ROOT = "http://192.168.122.1:8080"
MAC, ADDRESS = "52:54:00:00:00:01", "192.168.122.50"
UUID = "6b6e0f3a-2d4c-4b1e-9f5a-0123456789ab"
TREE = Tree("mini", "/srv/mini", "image", "1", "images/pxeboot/vmlinuz", "images/pxeboot/initrd.img")
SHELF = {"snponly.efi": b"ipxe", "shimx64.efi": b"shim", "grubx64.efi": b"grub", "lpxelinux.0": b"lpx"}


async def running(
    world: World, folder: Path, dialect: Dialect, *, guest: bool = True, extra: str = ""
) -> Snapshot:
    install = Install("i1", "web1", MAC, UUID, "tiny", Stage.BOOTING, START, START, loader=dialect)
    await world.memory.put_tree(TREE)
    spec = GuestSpec(
        "web1", "tiny", UUID, nics=(Nic("network", "default", MAC),), tree="mini", extra_args=extra
    )
    if not guest:
        await world.memory.add_machine(Machine("web1", MAC, UUID))
    await world.memory.add_install(install, GuestRow(spec, "i1", "v", START, {}) if guest else None)
    snapshot = Snapshot(
        world.memory,
        loaders=SHELF,
        recipes=Recipes(folder, SHELF),
        neighbour={ADDRESS: MAC}.get,
    )
    await snapshot.refresh()
    return snapshot


def text(snapshot: Snapshot, name: str, address: str = ADDRESS) -> str:
    content = snapshot.loader(name, address, HERE)
    assert isinstance(content, bytes), content
    return content.decode()


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    (tmp_path / "mini").mkdir()
    for name in ("kernel", "initrd"):
        (tmp_path / "mini" / name).write_bytes(name.encode() * 1000)
    return tmp_path


async def test_grub_reads_one_common_menu_and_then_its_own(world: World, staged: Path) -> None:
    snapshot = await running(world, staged, "grub")

    common = text(snapshot, "/debian-installer/amd64/grub/grub.cfg")
    own = text(snapshot, f"/grub/m/{MAC}")

    assert "configfile (tftp,192.168.122.1)/grub/m/$net_default_mac" in common
    assert "linux (tftp,192.168.122.1)/install/i1/kernel " in own
    assert f"'inst.ks={ROOT}/answer/'\"$serial\"'/ks.cfg'" in own


async def test_no_menu_holds_a_token(world: World, staged: Path) -> None:
    snapshot = await running(world, staged, "grub")
    tokens = [world.tokens().mint("i1", kind, 1) for kind in ("stub", "answer", "report")]

    for name in ("grub/grub.cfg", f"grub/m/{MAC}"):
        assert not any(token in text(snapshot, name) for token in tokens)


async def test_a_machine_that_is_no_guest_is_bound_by_asking_first(world: World, staged: Path) -> None:
    snapshot = await running(world, staged, "grub", guest=False)

    assert f"'inst.ks={ROOT}/answer/first/ks.cfg'" in text(snapshot, f"grub/m/{MAC}")


@pytest.mark.parametrize("name", [UUID, "01-52-54-00-00-00-01", "C0A87A32", "default"])
async def test_pxelinux_finds_its_menu_by_whatever_name(world: World, staged: Path, name: str) -> None:
    snapshot = await running(world, staged, "pxelinux")

    own = text(snapshot, f"pxelinux.cfg/{name}")

    assert f"KERNEL {ROOT}/tree/mini/images/pxeboot/vmlinuz" in own
    assert f"inst.ks={ROOT}/answer/first/ks.cfg" in own


async def test_pxelinux_without_http_fetches_by_tftp(world: World, staged: Path) -> None:
    snapshot = await running(world, staged, "pxelinux")
    snapshot._recipes = Recipes(staged, {"pxelinux.0": b"px"})

    assert "KERNEL install/i1/kernel\n" in text(snapshot, "pxelinux.cfg/default")


async def test_kernel_and_initrd_are_those_of_the_tree(world: World, staged: Path) -> None:
    snapshot = await running(world, staged, "grub")

    for name in ("kernel", "initrd"):
        content = snapshot.loader(f"install/i1/{name}", ADDRESS, HERE)
        assert not isinstance(content, Ignore | None)
        assert content[:] == name.encode() * 1000
        assert snapshot.loader(f"install/i1/{name}", ADDRESS, HERE) is content, "framed once for all"
    assert snapshot.loader("install/i2/kernel", ADDRESS, HERE) is None


async def test_a_file_that_was_replaced_is_given_anew(world: World, staged: Path) -> None:
    snapshot = await running(world, staged, "grub")
    before = snapshot.loader("install/i1/kernel", ADDRESS, HERE)
    (staged / "new").write_bytes(b"another")
    (staged / "new").replace(staged / "mini/kernel")

    after = snapshot.loader("install/i1/kernel", ADDRESS, HERE)

    assert not isinstance(before, Ignore | None)
    assert not isinstance(after, Ignore | None)
    assert (before[:6], after[:]) == (b"kernel", b"another")


async def test_a_file_that_is_gone_is_let_go_of(world: World, staged: Path) -> None:
    snapshot = await running(world, staged, "grub")
    gone = ref(snapshot.loader("install/i1/kernel", ADDRESS, HERE))
    (staged / "mini/kernel").unlink()

    snapshot.loader("install/i1/initrd", ADDRESS, HERE)

    assert gone() is None


async def test_the_tree_s_own_signed_loaders_come_before_the_host_s(world: World, staged: Path) -> None:
    snapshot = await running(world, staged, "grub")
    assert snapshot.loader("shimx64.efi", ADDRESS, HERE) == b"shim"

    (staged / "mini/shimx64.efi").write_bytes(b"the tree's shim")
    assert snapshot.loader("shimx64.efi", ADDRESS, HERE) == b"shim", "a shim alone starts nothing"

    (staged / "mini/grubx64.efi").write_bytes(b"the tree's GRUB")
    for name, content in (("shimx64.efi", b"the tree's shim"), ("grubx64.efi", b"the tree's GRUB")):
        given = snapshot.loader(name, ADDRESS, HERE)
        assert not isinstance(given, Ignore | None)
        assert given[:] == content
    assert snapshot.loader("shimx64.efi", "192.168.122.99", HERE) == b"shim", "another machine"


async def test_the_offer_names_the_dialect_s_loader(world: World, staged: Path) -> None:
    snapshot = await running(world, staged, "grub")
    question = Question(1, MAC, vendor_class="PXEClient:Arch:00007:UNDI:003000", code=7)

    assert snapshot.decide(question, HERE) == Offer("shimx64.efi", HERE.address, "PXEClient", True)


async def test_a_machine_whose_address_nobody_knows_names_itself(world: World, staged: Path) -> None:
    snapshot = await running(world, staged, "grub")

    assert "install i1 of web1" in text(snapshot, f"grub/m/{MAC}", "192.168.122.77")
    assert snapshot.loader("grub/m/52:54:00:00:00:09", "192.168.122.77", HERE) is None


async def test_nothing_is_given_to_a_machine_that_boots_its_disk(world: World, staged: Path) -> None:
    snapshot = await running(world, staged, "grub")
    served = Event(Kind.ANSWER_SERVED, START, "http", machine=MAC, install="i1")
    await world.memory.record([served])
    for _ in range(10):
        await snapshot.refresh()

    for name in (f"grub/m/{MAC}", "shimx64.efi"):
        refused = snapshot.loader(name, ADDRESS, HERE)
        assert refused is None or isinstance(refused, Ignore)
    refused = snapshot.loader("shimx64.efi", ADDRESS, HERE)
    assert isinstance(refused, Ignore)
    assert refused.reason.startswith("boot your disk")


async def test_arguments_that_no_menu_can_hold_are_said(world: World, staged: Path) -> None:
    snapshot = await running(world, staged, "grub", extra="a='b'")

    refused = snapshot.loader(f"grub/m/{MAC}", ADDRESS, HERE)

    assert isinstance(refused, Ignore)
    assert refused.reason.startswith(f"grub/m/{MAC} cannot be made: kernel argument")


async def test_after_http_boot_grub_goes_on_by_http(world: World, staged: Path) -> None:
    snapshot = await running(world, staged, "grub")
    recipes, row = Recipes(staged, SHELF), snapshot._recipe["i1"]

    common, own = (recipes.by_http(row, name, ROOT) for name in ("grub/grub.cfg", f"grub/m/{MAC}"))

    assert isinstance(common, bytes)
    assert b"configfile (http,192.168.122.1:8080)/boot/grub/m/$net_default_mac" in common
    assert isinstance(own, bytes)
    assert b"linux (http,192.168.122.1:8080)/tree/mini/images/pxeboot/vmlinuz " in own
    assert recipes.by_http(row, "install/i1/kernel", ROOT) is None
