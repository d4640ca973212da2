"""The command line against the true service, on libvirt's test driver: both ends speak the same API."""

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from provisioner.cli.demo.site import Site
from provisioner.media.loaders import REMEMBERED
from tests import pe_files
from tests.edges.cli.conftest import Call

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the service opens raw sockets")

LISTS = ("guest list --all", "install list", "tree list", "image list", "profile list", "machine list")


@pytest.mark.parametrize("words", [*LISTS, "host list", "network list", "pool list", "loader list"])
def test_lists_as_table_and_json(call: Call, words: str) -> None:
    table, data = call(words), call(f"{words} -o json")

    assert (table.returncode, table.stderr, data.returncode) == (0, "", 0)
    items = json.loads(data.stdout)
    assert len(table.stdout.splitlines()) == (len(items) + 1 if items else 0)


def test_the_test_drivers_domain_is_foreign(call: Call) -> None:
    (line,) = call("guest list --all").stdout.splitlines()[1:]

    assert line.startswith("test ") and line.endswith("foreign, untouched")


def test_a_profile_is_copied_changed_shown_and_removed(call: Call) -> None:
    assert call("profile copy tiny mine").returncode == 0
    assert call("profile edit mine --memory 300 --var motd=hello").returncode == 0
    shown = json.loads(call("profile show mine -o json").stdout)
    assert (shown["memory"], shown["variables"]["motd"], shown["shipped"]) == (300, "hello", False)
    assert call("profile remove mine").returncode == 0
    assert call("profile show mine").stderr.startswith("error: ")


def test_a_machine_comes_and_goes(call: Call) -> None:
    assert call("machine add rack1 --mac 52:54:00:aa:bb:cc").returncode == 0
    assert "52:54:00:aa:bb:cc" in call("machine list").stdout
    assert call("machine remove rack1").returncode == 0
    assert call("machine list").stdout == ""


def test_hardware_is_installed_by_its_address_once(call: Call) -> None:
    begun = call("machine install 52-54-00-AA-BB-CD --profile tiny --name rack2 -o json")
    assert (begun.returncode, begun.stderr) == (0, "")
    machine, install = (json.loads(begun.stdout)[key] for key in ("machine", "install"))
    assert (machine["name"], machine["mac"], install["stage"]) == ("rack2", "52:54:00:aa:bb:cd", "planned")

    again = call("machine install rack2 --profile tiny")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.startswith(
        f"error: install {install['id']} of rack2 is planned\nremedy: provisioner "
    )

    assert call(f"install cancel {install['id']} -y").returncode == 0
    assert call("machine install 52:54:00:aa:bb:cd --profile tiny").returncode == 0
    assert "stage    planned" in call("machine show rack2").stdout
    assert call("machine remove 52:54:00:aa:bb:cd").returncode == 0
    assert call("machine show rack2").stderr.startswith("error: no machine is called 'rack2'")


def test_a_host_comes_and_goes(call: Call) -> None:
    assert call("host add other test:///default?x=1").stdout == "host other is up\n"
    names = [host["name"] for host in json.loads(call("host list -o json").stdout)]
    assert names == ["local", "other"]
    shown = json.loads(call("host show other -o json").stdout)
    assert (shown["uri"], shown["node"]["cpus"]) == ("test:///default?x=1", 16)
    checked = call("host check other")
    assert checked.returncode == 0
    assert {line.split()[0] for line in checked.stdout.splitlines()} == {"unknown"}
    assert call("host remove other").returncode == 0
    assert call("host show other").stderr.startswith("error: no host is called 'other'")


def test_a_loader_is_added_and_sent_by_tftp_without_a_restart(site: Site, call: Call, tmp_path: Path) -> None:
    """The process that answers TFTP is another one than that which takes the file."""
    port = tomllib.loads(site.config.read_text())["tftp_port"]
    file, content = tmp_path / "grubnetx64.efi.signed", pe_files.grub()
    file.write_bytes(content)
    before = fetch(port, "grubx64.efi")

    added = json.loads(call(f"loader add {file} --firmware uefi -o json").stdout)
    assert (added["name"], added["own"], added["sha256"]) == (
        "grubx64.efi",
        True,
        hashlib.sha256(content).hexdigest(),
    )
    time.sleep(2 * REMEMBERED)
    assert fetch(port, "grubx64.efi") == content[:512]
    assert "grubx64.efi (added)" in call("loader list").stdout
    assert call("loader remove grubx64.efi").returncode == 0
    time.sleep(2 * REMEMBERED)
    assert fetch(port, "grubx64.efi") == before


def fetch(port: int, name: str) -> bytes:
    """The first block of a file, b"" where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.sendto(b"\0\1" + name.encode() + b"\0octet\0", ("127.0.0.1", port))
        answer, peer = client.recvfrom(2000)
        client.sendto(b"\0\5\0\0enough\0", peer)
    return answer[4:] if answer.startswith(b"\0\3\0\1") else b""


SENTENCES = {
    "host add x qemu+tcp://h/system": "is not encrypted",
    "host add x qemu+ssh://h/system?no_verify=1": "does not verify",
    "host add x nothing:///x": "nothing",
    "host add x y": "is not a libvirt URI",
    "host add X qemu:///session": "'X' is not usable",
    "host add local qemu:///session": "exists already",
    "host remove local": "is named in the settings",
    "host show nobody": "nobody",
    "host check local --compare": "looks at the machine that it runs on",
    "guest create web1 -p nothing": "nothing",
    "guest show nobody": "nobody",
    "install why nobody": "nobody",
    "tree add gone /nowhere/at/all": "/nowhere/at/all",
    "image build nothing": "nothing",
    "guest create web1 -p tiny --connect nothing:///x --dry-run": "nothing",
    "guest create web1 -p tiny --network bridge=br77 --dry-run": "",
    "machine add rack1 --mac 12:34": "12:34",
    "loader add /etc/hostname --firmware uefi --name grubx64.efi": "grubx64.efi is refused: it is text",
    "loader remove nothing": "there is no loader 'nothing'",
    "machine install nobody -p tiny": "no machine is called 'nobody' or has that MAC address",
    "machine install 52:54:00:aa:bb:01 -p nothing": "nothing",
    "machine install 52:54:00:aa:bb:01 -p tiny --name Rack_1": "'Rack_1' is not usable",
}


@pytest.mark.parametrize("words", SENTENCES)
def test_what_is_wrong_is_one_sentence(call: Call, words: str) -> None:
    ran = call(words)

    first, *rest = ran.stderr.splitlines()
    assert (ran.returncode, ran.stdout) == (1, "")
    assert first.startswith("error: ") and SENTENCES[words] in first
    assert all(line.startswith("remedy: ") for line in rest) and len(rest) <= 1


def test_render(call: Call, tmp_path: Path) -> None:
    good = tmp_path / "good.ks"
    good.write_text("text\nlang en_US.UTF-8\n")

    assert call(f"answer render {good} --family rhel --release 7").stdout.startswith("text\n")


def test_an_adopted_kickstart_is_a_profile(call: Call, tmp_path: Path) -> None:
    file, written = tmp_path / "site.ks", tmp_path / "site.toml"
    packages = "".join(f"package-{number}\n" for number in range(400))
    file.write_text(f"url --url=http://mirror.example/9\nrootpw --lock\n%packages\n{packages}%end\n")
    written.write_text(call(f"adopt kickstart {file} --release rhel9").stdout)

    assert call(f"profile create site --file {written}").returncode == 0
    shown = call("profile show site").stdout
    assert call("profile remove site").returncode == 0
    assert "template  its own, 4" in shown


def test_a_token_is_a_link(call: Call) -> None:
    assert "/login?key=" in call("token").stdout


def test_a_second_service_on_the_same_ports_names_the_first(site: Site) -> None:
    environment = {**os.environ, "PROVISIONER_CONFIG": str(site.config)}
    done = subprocess.run(
        [sys.executable, "-m", "provisioner", "serve"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert re.search(r"is in use by provisioner \(pid \d+\)$", done.stderr.splitlines()[0])
