"""Guests kept as they were installed and had again, and rebuilt in place, on real boots."""

import subprocess
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.networks import POOL, virsh
from tests.lab.service import UP, Service, until

NAME = "plab-kept"
FILE = "/root/written-since"
PASSWORD = "plab"
PROMPT = "# "


@pytest.fixture(params=["bios", "uefi"])
def firmware(request: pytest.FixtureRequest) -> str:
    if request.param == "uefi" and not request.config.getoption("--every-cell"):
        pytest.skip("make e2e-full boots it with UEFI too")
    return str(request.param)


def install(service: Service, firmware: str, profile: str = "tiny") -> float:
    """A guest whose root has a password. Returns the seconds from its creation to its login prompt."""
    words = ["openssl", "passwd", "-6", PASSWORD]
    digest = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    begun = time.monotonic()
    wishes = {"disks": [f"size=1,pool={POOL}"], "boot": firmware, "root_password_hash": digest}
    service.create(NAME, profile=profile, **wishes)
    service.wait(NAME, 420, "first-boot")
    until(lambda: service.boots(NAME), 60, "the login prompt")
    return time.monotonic() - begun


@contextmanager
def logged_in(service: Service) -> Iterator[Callable[[str, str], str]]:
    """Gives (line, answer) to what the guest says on its serial line from then on, up to the answer."""
    log = service.serial(NAME)
    with Path(virsh("ttyconsole", NAME).strip()).open("r+b", buffering=0) as line:
        tty.setraw(line.fileno())
        time.sleep(2)  # QEMU looks once a second whether somebody is there

        def typed(words: str, answer: str) -> str:
            before = log.stat().st_size
            line.write(words.encode() + b"\r")

            def said() -> str:
                return log.read_bytes()[before:].decode(errors="replace")

            until(lambda: answer in said().replace(words, ""), 60, f"{answer!r} after {words!r}")
            return said()

        typed("root", "assword:")
        typed(PASSWORD, PROMPT)
        yield typed


def store() -> Path:
    return Path(f"/var/lib/libvirt/qemu/nvram/{NAME}_VARS.fd")


def reset(service: Service) -> tuple[float, str]:
    """Until it answers, and how it does."""
    (line,) = service.lines("/snapshots/reset", {"names": [NAME], "wait": 300.0})
    assert "reset" in line, f"{line}\n{service.story(NAME)}"
    return float(line["reset"]["answered_seconds"]), str(line["reset"]["answered"])


def test_what_a_guest_wrote_since_is_gone_after_a_reset(nat: Service, firmware: str) -> None:
    installing = install(nat, firmware)
    (kept,) = nat.lines("/snapshots", {"names": [NAME], "force": True})
    assert kept.get("snapshot", {}).get("state") == "kept", f"{kept}\n{nat.story(NAME)}"
    until(lambda: nat.boots(NAME) == 2, 180, "it goes on after the snapshot")
    with logged_in(nat) as typed:
        assert "yes" in typed(f"touch {FILE}; sync; test -e {FILE} && echo y''es", "yes")
    if firmware == "uefi":
        virsh("destroy", NAME)
        store().write_bytes(bytes(store().stat().st_size))
    asked = len(nat.kinds(NAME))

    seconds, answered = reset(nat)

    assert UP in nat.serial(NAME).read_text(errors="replace")[-4096:], answered
    with logged_in(nat) as typed:
        assert "yes" not in typed(f"test -e {FILE} && echo y''es || echo n''o", "no")
    assert not {"script.sent", "kernel.sent", "answer.served"} & set(nat.kinds(NAME)[asked:])
    print(f"{firmware}: installed in {installing:.1f} s, reset and up in {seconds:.1f} s: {answered}")
    nat.call("DELETE", f"/guests/{NAME}")
    assert NAME not in virsh("vol-list", POOL)


def test_a_rebuild_mends_what_uefi_remembers_and_keeps_disks_where_asked(
    nat: Service, request: pytest.FixtureRequest
) -> None:
    if not request.config.getoption("--every-cell"):
        pytest.skip("make e2e-full installs a UEFI guest three times")
    install(nat, "uefi")
    before = nat.call("GET", f"/guests/{NAME}")
    virsh("destroy", NAME)
    store().write_bytes(bytes(store().stat().st_size))

    for number, body in enumerate(({}, {"wipe": "none"}), 1):
        nat.call("POST", f"/guests/{NAME}/rebuild", body)
        nat.wait(NAME, 420, "first-boot")
        now = nat.call("GET", f"/guests/{NAME}")
        assert (now["uuid"], now["mac"]) == (before["uuid"], before["mac"])
        assert now["install"]["id"] != before["install"]["id"], number
        assert nat.kinds(NAME).count("answer.served") == 1
    up, asked = nat.boots(NAME), nat.kinds(NAME)
    virsh("reset", NAME)
    until(lambda: nat.boots(NAME) > up, 180, "it boots its disk")
    assert nat.kinds(NAME).count("script.sent") == asked.count("script.sent")
    nat.call("DELETE", f"/guests/{NAME}")
    assert not store().exists()
