"""Scripts and loaders over HTTP: roots from the connection, slashes collapsed, one verdict."""

import pytest

from provisioner.core.install import Kind, Stage
from tests.edges.web.things import MAC
from tests.edges.web.world import LOADER, World


async def test_the_stub_is_public_and_names_the_address_it_was_asked_at(world: World) -> None:
    status, body, headers = await world.get("/boot/ipxe", headers={"Host": "evil.example"})

    assert status == 200
    assert body.startswith(b"#!ipxe")
    assert f"{world.guest_root}/boot/script/".encode() in body
    assert b"evil.example" not in body
    assert headers["Cache-Control"] == "no-store"


async def test_a_script_is_unlocked_by_its_token(world: World) -> None:
    install = await world.install()
    path = f"/boot/script/{world.token(install, 'stub')}"

    status, body, _ = await world.get(path)

    assert status == 200
    assert f"{world.guest_root}/tree/t/vmlinuz".encode() in body
    assert f"install={install.id}".encode() in body
    assert (await world.store.install(install.id)).address == "127.0.0.1"
    assert (await world.until(Kind.SCRIPT_SENT))[0].install == install.id
    assert (await world.get(path, method="HEAD"))[0] == 405


async def test_a_mac_alone_unlocks_nothing(world: World) -> None:
    install = await world.install()

    for token in ("", "x", "%24%7Bserial%7D", "To%2FBe%20filled", world.token(install, "answer")):
        status, body, _ = await world.get(f"/boot/script/{token}?mac={MAC}&uuid={install.uuid}")
        assert status == 200
        assert body.startswith(b"#!ipxe")
        assert b"vmlinuz" not in body


@pytest.mark.parametrize("path", ["/boot/snponly.efi", "////boot////snponly.efi", "//boot/snponly.efi"])
async def test_a_loader_is_found_however_many_slashes_firmware_writes(world: World, path: str) -> None:
    status, body, headers = await world.get(path)

    assert status == 200
    assert body == LOADER
    assert headers["Content-Length"] == str(len(body))


async def test_http_boot_asks_the_size_first(world: World) -> None:
    status, body, headers = await world.get("/boot/snponly.efi", method="HEAD")

    assert (status, body, headers["Content-Length"]) == (200, b"", "3002")


@pytest.mark.parametrize(
    "path", ["/boot/grubx64.efi", "////grubx64.efi", "/boot/../../etc/passwd", "/boot/%2e%2e/x"]
)
async def test_what_is_no_loader_is_not_there(world: World, path: str) -> None:
    assert (await world.get(path))[0] == 404


async def test_a_machine_with_an_install_gets_its_loader_and_the_event(world: World) -> None:
    install = await world.install()
    world.neighbours["127.0.0.1"] = MAC

    assert (await world.get("/boot/snponly.efi"))[0] == 200

    event = (await world.until(Kind.LOADER_SENT))[0]
    assert (event.install, event.machine) == (install.id, MAC)
    assert (await world.store.install(install.id)).stage is Stage.LOADING


@pytest.mark.parametrize("name", ["autoexec.ipxe", "revocations_sbat.efi", "shim_certificate_0.efi"])
async def test_what_loaders_do_without_is_no_failure_of_the_install(world: World, name: str) -> None:
    install = await world.install()
    world.neighbours["127.0.0.1"] = MAC

    assert (await world.get(f"/boot/{name}"))[0] == 404
    assert (await world.get("/boot/grubx64.efi"))[0] == 404

    told = [e.text for e in await world.store.events(install=install.id, kinds=[Kind.LOADER_FAILED])]
    assert told == ["there is no loader 'grubx64.efi' here"]


async def test_after_the_answer_was_served_the_machine_boots_its_disk(world: World) -> None:
    install = await world.install()
    world.neighbours["127.0.0.1"] = MAC
    await world.event(Kind.ANSWER_SERVED, install.id)

    status, body, _ = await world.get("/boot/snponly.efi")

    assert status == 404
    assert b"MZ" not in body
    event = (await world.store.events(kinds=[Kind.LOCAL_BOOT]))[0]
    assert "boot your disk" in event.text


async def test_a_stranger_on_the_segment_gets_no_loader(world: World) -> None:
    world.neighbours["127.0.0.1"] = "52:54:00:99:99:99"

    assert (await world.get("/boot/snponly.efi"))[0] == 404


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("10.0.2.2:{port}", "10.0.2.2"),
        ("10.0.2.2", "10.0.2.2"),
        ("10.0.2.3:{port}", "127.0.0.1"),
        ("x", "127.0.0.1"),
    ],
)
async def test_a_guest_on_qemus_user_network_is_told_the_address_that_it_knows(
    world: World, host: str, named: str
) -> None:
    """No other word of the header is believed."""
    headers = {"Host": host.format(port=world.guest_port)}

    _, body, _ = await world.get("/boot/ipxe", headers=headers)

    assert f"http://{named}:{world.guest_port}/boot/script/".encode() in body


async def test_grub_asks_for_its_menu_outside_of_boot(world: World) -> None:
    for path in ("/grub/grub.cfg", "/EFI/redhat/grub.cfg", "/grub.cfg"):
        status, body, _ = await world.get(path)

        assert status == 404, "no machine of ours is behind the address"
        assert body, "EDK2's HTTP stands still at a 404 without a body"
        assert b"there is no loader" in body
