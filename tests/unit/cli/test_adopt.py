"""Commands of virt-install and kickstarts of one's own, taken over; whatever is not taken is told."""

import shlex
import tomllib
from pathlib import Path

import pytest

from provisioner.answers.finding import errors
from provisioner.answers.lint import lint
from provisioner.answers.render import render
from provisioner.cli.guest_create import create
from provisioner.core.profile import Profile
from provisioner.service.answers import sample
from tests.unit.cli.conftest import Provisioner

# The command's words behind virt-install, the words of ours behind `guest create`, and what is told.
COMMANDS: dict[str, tuple[str, list[str]]] = {
    "--name web1 --memory 2048 --vcpus 2 --disk size=20 --location http://m/9 --network bridge=br0": (
        "web1 --memory 2048 --vcpus 2 --disk size=20 --location http://m/9 --network bridge=br0",
        [],
    ),
    "-n web1 -r 1024 --pxe -w network=default,model=virtio,mac=52:54:00:00:00:01 -f /x.img -s 8": (
        "web1 --memory 1024 --pxe --network network=default,mac=52:54:00:00:00:01,model=virtio --disk size=8 "
        "--profile PROFILE",
        [
            "not taken: --file /x.img: volumes are named by us, in a pool",
            "to be chosen: PROFILE, which says what is installed",
            "remedy: provisioner profile list",
        ],
    ),
    "--name a --import --disk /images/a.qcow2,bus=sata --os-variant debian12 --noautoconsole --cpu maximum": (
        "a --import --disk /images/a.qcow2,bus=sata --osinfo debian12 --cpu maximum",
        [
            "not taken: --noautoconsole: not needed: a guest's console is opened by provisioner guest "
            "console alone",
            "note: /images/a.qcow2 is copied: the guest does not write into the file itself",
        ],
    ),
    "--name a --cdrom /isos/d.iso --disk path=/i/a.qcow2,size=10,format=raw,discard=unmap --tpm none": (
        "a --cdrom /isos/d.iso --disk format=raw,size=10",
        [
            "not taken: path=/i/a.qcow2: volumes are named by us, in a pool; pool=NAME chooses another than "
            "default",
            "not taken: --disk discard=unmap: disks take size, pool, format, bus (virtio, scsi, sata, ide, "
            "usb), vol and cache",
            "not taken: --tpm none: guests here are not made with it",
        ],
    ),
    "--name=A_B --location /i/x.iso,kernel=k --disk vol=fast/a,bus=scsi --network none --graphics spice": (
        "a-b --location /i/x.iso --disk vol=fast/a,bus=scsi --graphics vnc",
        [
            "not taken: --location …,kernel=k: kernel and initrd are told by the tree",
            "not taken: --network none: a guest has a network card: its installer is fetched by it",
            "not taken: --graphics spice: the screen is by VNC",
            "note: the name A_B becomes a-b: names here are host names",
        ],
    ),
    "--name a --location http://m/9 --boot uefi,loader=/x -x 'inst.ks=http://k/ks.cfg quiet' --wait": (
        "a --location http://m/9 --boot uefi --extra-args 'inst.ks=http://k/ks.cfg quiet' --wait",
        [
            "not taken: --boot loader=/x: guests boot their disk, and before it is installed the network",
            "note: the answer file that --extra-args names is fetched from where it lies; provisioner adopt "
            "kickstart FILE makes a profile of one",
        ],
    ),
    "--name a --import --disk i.img --cloud-init root-password-file=/r,ssh-key=/k.pub --ram memory=512": (
        "a --import --disk i.img --ssh-key /k.pub --cloud-init --memory 512",
        [
            "not taken: --cloud-init root-password-file=/r: passwords are given with --root-password-file",
            "note: i.img is copied: the guest does not write into the file itself",
        ],
    ),
}


@pytest.mark.parametrize("words", COMMANDS)
def test_virt_install(provisioner: Provisioner, words: str) -> None:
    ours, told = COMMANDS[words]
    ran = provisioner("adopt", "virt-install", f"virt-install {words}")

    assert (ran.code, ran.out) == (0, f"provisioner guest create {ours}\n")
    assert ran.err.splitlines() == told


@pytest.mark.parametrize("words", COMMANDS)
def test_the_command_is_one_that_our_own_reader_takes(words: str) -> None:
    ours = [word for word in shlex.split(COMMANDS[words][0]) if word != "PROFILE"]
    ours = [*ours, "centos7"] if ours[-1] == "--profile" else ours

    name = ours[0]

    assert create.make_context("create", ours).params["name"] == (name,)


def test_what_stands_apart_is_told(provisioner: Provisioner) -> None:
    words = "--name a --location http://m/9 --unattended profile=jeos --vcpus 4,sockets=2"
    ran = provisioner(
        "adopt",
        "virt-install",
        f"sudo /usr/bin/virt-install \\\n {words} --osinfo detect=on,require=off --controller usb,model=x",
    )

    assert ran.out == "provisioner guest create a --location http://m/9 --vcpus 4\n"
    assert ran.err.splitlines() == [
        "not taken: --unattended profile=jeos: a profile answers the installer: --profile NAME",
        "not taken: --vcpus sockets=2: the topology is the host's choice",
        "not taken: --osinfo detect=on,require=off: it is told by the tree",
        "not taken: --controller usb,model=x: guests here are not made with it",
    ]


BAD = {
    "ls -l": "this is no command of virt-install",
    "virt-install --name a --memory": "--memory has no value",
    "virt-install --name a 'b": "the command cannot be read: No closing quotation",
    "virt-install --memory 512": "the command names no guest",
    "virt-install --name a --memory lots --pxe": "--memory 'lots' is not a number of MiB",
    "virt-install --name a --mac zz --pxe": "'zz' is not a MAC address",
    "virt-install name=a": "'name=a' is no option of virt-install",
    "": "this is no command of virt-install",
}


@pytest.mark.parametrize("command", BAD)
def test_a_command_that_is_none_is_one_sentence(provisioner: Provisioner, command: str) -> None:
    ran = provisioner("adopt", "virt-install", command)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"error: {BAD[command]}")


KICKSTART = """\
#version=RHEL9
url --url=http://mirror.example/9/BaseOS
repo --name=AppStream --baseurl=http://mirror.example/9/BaseOS/AppStream
repo --name=extra --baseurl=http://other.example/extra
network --bootproto=dhcp --hostname=web1.example
network --bootproto=static --device=eth1 --ip=192.0.2.9 --netmask=255.255.255.0
lang en_US.UTF-8
rootpw secret
clearpart --all
autopart
%packages
@core
%end
%post
docker ps --format '{{.Names}} {% x %} {# y #}'
%end
%include /tmp/more.ks
"""


def adopted(provisioner: Provisioner, file: Path, *words: str) -> tuple[Profile, list[str]]:
    ran = provisioner("adopt", "kickstart", str(file), *words)
    assert ran.code == 0
    return Profile("mine", **tomllib.loads(ran.out)), ran.err.splitlines()


def test_a_kickstart_becomes_a_profile(provisioner: Provisioner, tmp_path: Path) -> None:
    file = tmp_path / "Web Server.ks"
    file.write_text(KICKSTART)
    profile, told = adopted(provisioner, file)
    text = render(profile.template, sample(profile, profile.release))

    assert (profile.family, profile.release, profile.tree) == ("rhel", "9", "web-server")
    assert list(errors(lint(text, profile.family, profile.release))) == []
    assert "url --url=http://provisioner:8080/tree/web-server\n" in text
    assert "--baseurl=http://provisioner:8080/tree/web-server/AppStream\n" in text
    assert "network --bootproto=dhcp --hostname=example\n" in text
    assert "docker ps --format '{{.Names}} {% x %} {# y #}'\n" in text
    assert text.count("/success") == text.count("/failure") == 1
    assert text.startswith("reboot\n")
    assert told == [
        "note: line 4: repo --name=extra --baseurl=http://other.example/extra: kept; guests fetch it from "
        "http://other.example/extra themselves",
        "note: line 5: the host name web1.example becomes the guest's own",
        "note: line 6: network --bootproto=static --device=eth1 --ip=192.0.2.9 --netmask=255.255.255.0: "
        "kept, and every guest would have that address",
        "note: line 8: root's password is kept in the profile as plain text",
        "note: line 17: %include /tmp/more.ks: kept, but not looked at",
        "note: reboot is added: the installer would wait for a key at its end",
        "first: provisioner tree add web-server http://mirror.example/9/BaseOS",
    ]


SOURCES = {
    "nfs --server=n.example --dir=/srv/9\n": ("nfs://n.example/srv/9", 0),
    "cdrom\n": ("", 1),
    "url --mirrorlist=http://m.example/list\n": ("", 1),
    "url --url http://m.example/9 --proxy=http://p.example\n": ("http://m.example/9", 1),
    "": ("", 1),
}


@pytest.mark.parametrize("line", SOURCES)
def test_the_tree_is_told_from_the_source(provisioner: Provisioner, tmp_path: Path, line: str) -> None:
    file = tmp_path / "a.ks"
    file.write_text(f"{line}rootpw --lock\nreboot\n")
    profile, told = adopted(provisioner, file, "--release", "rhel9", "--tree", "el9")
    source, notes = SOURCES[line]

    assert profile.template.count("url --url={{ quote(tree_url) }}\n") == 1
    assert [row for row in told if row.startswith("first: ")] == (
        [f"first: provisioner tree add el9 {source}"] if source else []
    )
    assert len([row for row in told if row.startswith("note: ")]) == notes


def test_what_the_release_would_refuse_is_told(provisioner: Provisioner, tmp_path: Path) -> None:
    file = tmp_path / "a.ks"
    file.write_text("install\nurl --url=http://m.example/9\nrootpw --lock\nreboot\n")
    _, told = adopted(provisioner, file, "--release", "rhel9")

    assert told[0] == "would be refused: line 1: install has been removed."


def test_a_kickstart_of_an_unknown_release_is_asked_about(provisioner: Provisioner, tmp_path: Path) -> None:
    file = tmp_path / "a.ks"
    file.write_text("reboot\n")
    ran = provisioner("adopt", "kickstart", str(file))

    assert ran.code == 2
    assert ran.err.startswith("error: the file does not say which release it is for: --release rhel9")
