"""An ordinary user, no rights at all: their own service, and guests on QEMU's user network by each method."""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import iso
from tests.lab.ordinary import Ordinary, missing, ordinary_user
from tests.lab.service import until
from tests.lab.test_methods import LABEL
from tests.lab.waiting import free_port

CACHE = Path(__file__).parent.parent.parent / ".cache/lab"
TINYWEB = """family = "image"
tree = "mini"
template = "image/ks.cfg.j2"
image = "tiny"
kernel_args = "quiet mitigations=off"
memory = 512
disk = 1
[variables]
after = '''
%post
echo 'httpd -p 22 -h /etc' >>/etc/rc
%end
'''
"""
"""The tiny system has no ssh server: something else answers on its port."""


class Desk:
    """The user's own `provisioner`, whose service runs."""

    def __init__(self, user: Ordinary) -> None:
        self.user = user

    def __call__(self, *words: str, seconds: float = 240) -> str:
        return self.user.run(*self.user.provisioner, *words, seconds=seconds)

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "-o", "json"))

    def refused(self, *words: str) -> str:
        done = self.user.done(*self.user.provisioner, *words, seconds=240)
        assert done.returncode == 1, f"{words}: {done.stdout}{done.stderr}"
        return done.stderr

    def kinds(self, name: str) -> list[tuple[str, str]]:
        """Kind and text of a guest's events."""
        found = self.json("install", "show", name)["events"]
        return [(event["kind"], event["text"]) for event in found]


@pytest.fixture(scope="module")
def desk(_able: None) -> Iterator[Desk]:
    """The user with their service; the kernel's package is not fetched again."""
    if why := missing():
        pytest.skip(why)
    ports = {name: str(free_port()) for name in ("HTTP_PORT", "API_PORT", "SYSLOG_PORT")}
    with ordinary_user({f"PROVISIONER_{name}": port for name, port in ports.items()}) as user:
        user.run("mkdir", "-p", str(user.state / "cache"))
        if (CACHE / "kernel").is_dir():
            shutil.copytree(CACHE / "kernel", user.state / "cache/kernel", symlinks=True)
            subprocess.run(["chown", "-R", "--reference", user.home, user.state / "cache"], check=True)
        log = user.home / "serve.log"
        with log.open("wb") as out:
            service = subprocess.Popen(
                user.argv(*user.provisioner, "serve"),
                env=user.environment,
                cwd=user.home,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        try:
            until(lambda: "ready: " in log.read_text(), 90, "the user's service")
            assert "no rights are needed" in log.read_text()
            desk = Desk(user)
            desk("image", "build", "tiny", seconds=300)
            yield desk
        finally:
            service.terminate()
            service.wait(20)


def hostname(port: int) -> str:
    """What the guest's port 22 says, by the port that is forwarded to it."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as door:
            door.sendall(b"GET /hostname HTTP/1.0\r\n\r\n")
            return b"".join(iter(lambda: door.recv(4096), b"")).decode().rpartition("\r\n")[2].strip()
    except OSError:
        return ""


def test_the_doctor_asks_for_nothing_that_a_user_cannot_give(desk: Desk) -> None:
    checks = {check["name"]: check for check in json.loads(desk("doctor", "--quick", "-o", "json"))}

    assert {name for name, check in checks.items() if check["verdict"] == "FAIL"} == set()
    assert checks["pool"]["reason"].startswith(f"default: {desk.user.images}")
    assert "loaders" not in checks


def test_a_place_that_needs_rights_is_refused_in_one_sentence(desk: Desk) -> None:
    for network in ("default", "bridge=virbr0", "type=direct,source=eth0"):
        told = desk.refused("guest", "create", "plab-no", "--profile", "tiny", "--network", network)

        assert told.startswith("error: a guest of qemu:///session cannot be on ")
        assert "--network user" in told


def test_two_at_once_netboot_and_keep_their_stories_apart(desk: Desk) -> None:
    profile = desk.user.home / "tinyweb.toml"
    profile.write_text(TINYWEB)
    desk("profile", "create", "tinyweb", "--file", str(profile))
    firmware = {"plab-bios": "bios", "plab-uefi": "uefi"}
    for name, boot in firmware.items():
        desk("guest", "create", name, "--profile", "tinyweb", "--network", "user", "--boot", boot)

    for name in firmware:
        desk("install", "wait", name, seconds=420)
        until(lambda: "first-boot" in dict(desk.kinds(name)), 120, f"{name} from its disk", 1)  # noqa: B023

    for name in firmware:
        other = next(iter(set(firmware) - {name}))
        kinds = desk.kinds(name)
        assert [kind for kind, _ in kinds].count("answer.served") == 1
        assert [text for kind, text in kinds if kind == "script.sent"] == [f"boot script for {name}"]
        assert not any(other in text for _, text in kinds)
        found = desk.json("guest", "show", name)["address"]
        assert (found["ip"], found["from"]) == ("127.0.0.1", "forward")
        until(lambda: hostname(found["port"]) == name, 30, f"{name} by its forwarded port")  # noqa: B023
    desk("guest", "delete", "-y", "plab-bios")
    desk("guest", "rebuild", "-y", "plab-uefi", "--wait", seconds=420)
    desk("guest", "delete", "-y", "plab-uefi")
    assert leftovers(desk.user) == set()


def test_by_kernel_by_medium_and_from_an_image(desk: Desk) -> None:
    user = desk.user
    medium = user.images / "mini.iso"
    if not iso.missing():
        arguments = f"inst.stage2=hd:LABEL={LABEL} ip=dhcp inst.text console=tty0 console=ttyS0,115200 quiet"
        boot = iso.Boot("images/pxeboot/vmlinuz", "images/pxeboot/initrd.img", arguments)
        iso.write_iso(medium, LABEL, user.state / "trees/mini", boot)
        desk("guest", "create", "plab-iso", "--profile", "tiny", "--cdrom", "mini.iso", "--wait", seconds=420)
        desk("guest", "delete", "-y", "plab-iso")
        medium.unlink()
    desk("guest", "create", "plab-url", "--profile", "tinyweb", "--location", "mini", "--wait", seconds=420)
    until(lambda: "first-boot" in dict(desk.kinds("plab-url")), 120, "plab-url from its disk", 1)
    user.run("virsh", "destroy", "plab-url")
    disk = next(path for path in user.images.iterdir() if path.name.startswith("plab-url-"))
    golden = user.images / "golden.qcow2"
    user.run("cp", str(disk), str(golden))

    desk("guest", "create", "plab-import", "--import", "--disk", "golden.qcow2,linked=on", "--wait")
    desk("guest", "clone", "plab-url", "plab-clone")
    desk("guest", "start", "plab-clone")

    ports = {
        name: desk.json("guest", "show", name)["address"]["port"] for name in ("plab-import", "plab-clone")
    }
    assert len(set(ports.values())) == 2
    for name, port in ports.items():
        until(lambda: hostname(port) == "plab-url", 120, f"{name} by its own port", 1)  # noqa: B023
    for name in ("plab-import", "plab-clone", "plab-url"):
        desk("guest", "delete", "-y", name)
    golden.unlink()
    assert {name for name in leftovers(user) if not name.startswith("base-")} == set()


def leftovers(user: Ordinary) -> set[str]:
    """Volumes, variable stores and domains."""
    stores = user.home / ".config/libvirt/qemu/nvram"
    files = [*user.images.iterdir(), *(stores.iterdir() if stores.is_dir() else ())]
    return {file.name for file in files} | set(user.run("virsh", "list", "--all", "--name").split())
