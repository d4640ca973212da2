"""The installer's kickstart parser, in the shell that it runs in."""

from pathlib import Path

import pytest

from tests.unit.answers.test_every_family import ALL, AWKWARD, text
from tests.unit.media.shell import parse

SHA = "0123456789abcdef" * 4
ENOUGH = f"autopart\nliveimg --url=http://h/i.zst --checksum={SHA}\n"

# A line, and what is known after it beside what ENOUGH brings.
TAKEN = {
    "text": {"text": "1"},
    "zerombr": {"zerombr": "1"},
    "clearpart --all --initlabel": {"clearpart.all": "1", "clearpart.initlabel": "1"},
    "clearpart --all --drives=vdb,vdc": {"clearpart.all": "1", "clearpart.drives": "vdb,vdc"},
    "clearpart --disklabel=gpt": {"clearpart.disklabel": "gpt"},
    "autopart --type=plain --fstype ext4 --noswap": {
        "autopart.type": "plain",
        "autopart.fstype": "ext4",
        "autopart.noswap": "1",
    },
    "lang de_DE.UTF-8": {"lang": "de_DE.UTF-8"},
    "lang en_US --addsupport=de_DE": {"lang": "en_US", "lang.addsupport": "de_DE"},
    "keyboard us": {"keyboard": "us"},
    "keyboard --vckeymap=de --xlayouts='de,us'": {
        "keyboard": "de",
        "keyboard.vckeymap": "de",
        "keyboard.xlayouts": "de,us",
    },
    "keyboard --xlayouts='fr,us'": {"keyboard": "fr", "keyboard.xlayouts": "fr,us"},
    "timezone --utc Europe/Berlin": {"timezone": "Europe/Berlin", "timezone.utc": "1"},
    "network --bootproto=dhcp --device=eth0 --hostname=web1.lab": {
        "network.bootproto": "dhcp",
        "network.device": "eth0",
        "network.hostname": "web1.lab",
    },
    "network --hostname web1   # the name": {"network.hostname": "web1"},
    "rootpw secret": {"rootpw": "secret"},
    "rootpw --plaintext 'two words'": {"rootpw": "two words", "rootpw.plaintext": "1"},
    "rootpw --iscrypted $6$salt$hash": {"rootpw": "$6$salt$hash", "rootpw.iscrypted": "1"},
    "rootpw --lock": {"rootpw": "", "rootpw.lock": "1"},
    'rootpw "a\\"b\\\\c\\d"': {"rootpw": 'a"b\\c\\d'},
    "rootpw a\\ b'c'\"d\"": {"rootpw": "a bcd"},
    'rootpw "half#way"': {"rootpw": "half#way"},
    "rootpw 'it costs $(reboot) `reboot` *'": {"rootpw": "it costs $(reboot) `reboot` *"},
    'sshkey --username=root "ssh-ed25519 AAAA me@home"': {
        "sshkey": "ssh-ed25519 AAAA me@home",
        "sshkey.1.key": "ssh-ed25519 AAAA me@home",
        "sshkey.1.username": "root",
        "sshkeys": "1",
    },
    "user --name=ann --groups=wheel,adm --password=x --plaintext --uid=1500 --gecos='Ann B'": {
        "user.1.name": "ann",
        "user.1.groups": "wheel,adm",
        "user.1.password": "x",
        "user.1.plaintext": "1",
        "user.1.uid": "1500",
        "user.1.gecos": "Ann B",
        "users": "1",
    },
    'bootloader --location=mbr --timeout=3 --append="console=ttyS0,115200 quiet"': {
        "bootloader.location": "mbr",
        "bootloader.timeout": "3",
        "bootloader.append": "console=ttyS0,115200 quiet",
    },
    "reboot": {"end": "reboot"},
    "reboot --eject": {"end": "reboot", "reboot.eject": "1"},
    "poweroff": {"end": "poweroff"},
    "%pre\necho $1\n%end": {"section.1.kind": "pre", "section.1.sh": "echo $1\n", "sections": "1"},
    "%post --nochroot --log=/root/post.log --erroronfail\n\n  # kept\n%end": {
        "section.1.kind": "post",
        "section.1.nochroot": "1",
        "section.1.log": "/root/post.log",
        "section.1.erroronfail": "1",
        "section.1.sh": "\n  # kept\n",
        "sections": "1",
    },
    "%post --interpreter=/usr/bin/python3\nfoo\n%end  # done": {
        "section.1.kind": "post",
        "section.1.interpreter": "/usr/bin/python3",
        "section.1.sh": "foo\n",
        "sections": "1",
    },
    "%onerror\nselinux --enforcing\n%end\r": {
        "section.1.kind": "onerror",
        "section.1.sh": "selinux --enforcing\n",
        "sections": "1",
    },
}
ALWAYS = {
    "autopart": "1",
    "liveimg.url": "http://h/i.zst",
    "liveimg.checksum": SHA,
    "sections": "0",
    "sshkeys": "0",
    "users": "0",
}


@pytest.mark.parametrize("line", TAKEN)
def test_what_is_taken(tmp_path: Path, line: str) -> None:
    assert parse(tmp_path, f"{line}\n{ENOUGH}") == ALWAYS | TAKEN[line]


def test_a_last_line_without_its_end_counts(tmp_path: Path) -> None:
    assert parse(tmp_path, f"{ENOUGH}reboot")["end"] == "reboot"


def test_users_and_keys_are_numbered(tmp_path: Path) -> None:
    lines = "user --name=a\nuser --name=b\nsshkey --username=a k1\nsshkey --username=b k2\n"
    found = parse(tmp_path, lines + ENOUGH)

    assert [found[f"user.{n}.name"] for n in (1, 2)] == ["a", "b"]
    assert [found[f"sshkey.{n}.key"] for n in (1, 2)] == ["k1", "k2"]


def test_what_we_render_for_it_is_taken_with_awkward_texts_whole(tmp_path: Path) -> None:
    found = parse(tmp_path, text("image", "", ALL))

    assert "error" not in found
    assert found["user.1.gecos"] == AWKWARD
    assert found["bootloader.append"] == ALL["append"]
    assert [found[f"sshkey.{number}.username"] for number in range(1, 5)] == ["root", "root", "ann", "ann"]
    assert found["section.1.sh"] == f"{ALL['pre']}\n"


# A line, and the sentence it is refused with, as the second line of the file.
REFUSED = {
    "selinux --enforcing": "line 2: 'selinux' is not a command of the mini installer",
    "url --url=http://h/": "line 2: 'url' is not a command of the mini installer",
    "%packages\n@core\n%end": "line 2: the section %packages is not known to the mini installer",
    "%include /tmp/x": "line 2: %include is not known to the mini installer",
    "%end": "line 2: %end closes no section",
    "%post\necho": "line 2: %post has no %end",
    "%post --chroot\n%end": "line 2: %post: option --chroot is not known to the mini installer",
    "lang": "line 2: lang: the locale is missing",
    "rootpw --iscrypted": "line 2: rootpw: the password is missing",
    "rootpw 'open": "line 2: a quote is left open",
    'rootpw "open\\"': "line 2: a quote is left open",
    "text --fast": "line 2: text: option --fast is not known to the mini installer",
    "text now": "line 2: text: 'now' is not understood",
    "zerombr --yes=1": "line 2: zerombr: option --yes is not known to the mini installer",
    "clearpart --all=1": "line 2: clearpart: --all takes no value",
    "clearpart --drives": "line 2: clearpart: --drives needs a value",
    "clearpart --disklabel=msdos": "line 2: clearpart: --disklabel=msdos: only gpt is written",
    "autopart --type=lvm": "line 2: autopart: --type=lvm: only plain partitions are made",
    "autopart --encrypted": "line 2: autopart: option --encrypted is not known to the mini installer",
    "network --bootproto=static": "line 2: network: --bootproto=static: only dhcp is known",
    "user --groups=wheel": "line 2: user: --name is missing",
    "user --name=../etc": "line 2: user: '../etc' is not a usable name",
    "sshkey --username=root": "line 2: sshkey: the key is missing",
    "sshkey AAAA": "line 2: sshkey: --username is missing",
    "liveimg --url=http://h/i --checksum=abc": (
        "line 2: liveimg: --checksum must be a SHA-256 in lower-case hexadecimal"
    ),
    f"liveimg --checksum={SHA}": "line 2: liveimg: --url is missing",
    f"liveimg --url=http://h/i --checksum={SHA} --noverifyssl": (
        "line 2: liveimg: option --noverifyssl is not known to the mini installer"
    ),
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_is_refused(tmp_path: Path, line: str) -> None:
    assert parse(tmp_path, f"# first line\n{line}\n{ENOUGH}")["error"] == REFUSED[line]


def test_an_unchecked_image_is_refused(tmp_path: Path) -> None:
    found = parse(tmp_path, "autopart\nliveimg --url=http://h/i\n")

    assert found["error"] == "line 2: liveimg: --checksum is missing; the image is never taken unchecked"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("autopart\n", "line 1 (end): liveimg is missing: there is nothing to install"),
        (ENOUGH.split("\n")[1], "line 1 (end): autopart is missing: it is the one layout there is"),
    ],
)
def test_what_must_be_there(tmp_path: Path, text: str, error: str) -> None:
    assert parse(tmp_path, text)["error"] == error


def test_the_first_fault_counts_and_a_report_below_it_is_kept(tmp_path: Path) -> None:
    found = parse(tmp_path, f"foo\nbar\n{ENOUGH}%onerror\nsay\n%end\n")

    assert found["error"] == "line 1: 'foo' is not a command of the mini installer"
    assert found["section.1.kind"] == "onerror"
