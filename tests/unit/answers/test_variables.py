"""Values as people write them: what becomes of the good ones, and one sentence for each bad one."""

from typing import Any

import pytest

from provisioner.answers.context import Network, Repository, User
from provisioner.answers.variables import Layer, checked, settle
from provisioner.core.errors import Invalid
from tests.unit.answers.contexts import HASH

STATIC: dict[str, object] = {"address": "192.0.2.10/24"}
GOOD: dict[str, tuple[dict[str, object], dict[str, Any]]] = {
    "words in one text": ({"packages": "vim  git"}, {"packages": ("vim", "git")}),
    "words in a list": ({"packages": ["vim", " git "]}, {"packages": ("vim", "git")}),
    "keys in one text": (
        {"ssh_keys": "ssh-rsa A a\nssh-rsa B b\n"},
        {"ssh_keys": ("ssh-rsa A a", "ssh-rsa B b")},
    ),
    "nothing": ({"lang": "", "packages": [], "post": ""}, {"packages": ()}),
    "no arguments at all": ({"append": ""}, {"append": ""}),
    "a script": ({"post": "\n\necho\r\n\ttrue\n\n"}, {"post": "echo\n\ttrue"}),
    "a disk": ({"disk": "vda"}, {"disks": ("vda",)}),
    "disks by their paths": ({"disk": "/dev/sda /dev/disk/by-id/x"}, {"disks": ("sda", "disk/by-id/x")}),
    "a name's own variable": ({"motd": {"a": 1}}, {}),
    "dhcp": ({"address": "dhcp"}, {}),
    "a point to point link": ({"address": "192.0.2.0/31"}, {"network": Network("192.0.2.0/31")}),
    "static": (
        STATIC | {"gateway": "192.0.2.1", "nameservers": "192.0.2.2 2001:db8::1", "vlan": "7"},
        {"network": Network("192.0.2.10/24", "192.0.2.1", ("192.0.2.2", "2001:db8::1"), vlan=7)},
    ),
    "a bond": (
        {"bond": "eth0 eth1", "bond_mode": "802.3ad"},
        {"network": Network(bond=("eth0", "eth1"), bond_mode="802.3ad")},
    ),
    "a user": (
        {"users": [{"name": "ann", "gecos": "漢字 🐧", "groups": "audio video", "admin": True}]},
        {"users": (User("ann", "漢字 🐧", ("audio", "video"), True),)},
    ),
    "a repository": (
        {"repositories": [{"name": "x", "url": "tree:extra", "components": ["main"]}]},
        {"repositories": (Repository("x", "tree:extra", "./", ("main",)),)},
    ),
}
BAD: dict[str, tuple[dict[str, object], str]] = {
    "a word with a blank": ({"lang": "en US"}, "variable lang = 'en US' is not usable"),
    "a table for a word": ({"lang": {"a": 1}}, "variable lang = \"{'a': 1}\" is not usable"),
    "a number for a list": ({"packages": 5}, "variable packages must be a list"),
    "a package that is a command": ({"packages": ["a;b"]}, "variable packages: 'a;b' is not usable"),
    "a line break in a line": ({"append": "a\nb"}, "variable append = 'a\\nb' is not usable"),
    "a passphrase of two lines": (
        {"layout": "luks", "luks_passphrase": "a\nb"},
        "variable luks_passphrase is not usable",
    ),
    "a control character in a script": ({"post": "a\x1bb"}, "variable post = 'a\\x1bb' is not usable"),
    "a plain text for a hash": (
        {"root_password_hash": "hunter2"},
        "variable root_password_hash is not usable",
    ),
    "a proxy without a scheme": (
        {"proxy": "proxy:3128"},
        "variable proxy = 'proxy:3128' is no URL; write it like http://proxy.example:3128",
    ),
    "a layout that is a path": ({"layout": "../x"}, "variable layout = '../x' is not usable"),
    "a disk that climbs": (
        {"disk": "../sda"},
        "variable disk: '../sda' is no disk; write it like vda or disk/by-id/ata-…",
    ),
    "an address without its prefix": (
        {"address": "192.0.2.1"},
        "variable address = '192.0.2.1' is no IPv4 address with its prefix; write 192.0.2.10/24, or dhcp",
    ),
    "an address of IPv6": (
        {"address": "2001:db8::1/64"},
        "variable address = '2001:db8::1/64' is no IPv4 address with its prefix; write 192.0.2.10/24, "
        "or dhcp",
    ),
    "a network's own address": (
        {"address": "192.0.2.0/24"},
        "variable address = 192.0.2.0/24 is the address of the network 192.0.2.0/24, not of a machine in it",
    ),
    "a gateway elsewhere": (
        STATIC | {"gateway": "198.51.100.1"},
        "variable gateway = 198.51.100.1 is not in the network of 192.0.2.10/24",
    ),
    "a gateway that is the machine": (
        STATIC | {"gateway": "192.0.2.10"},
        "variable gateway = 192.0.2.10 is not in the network of 192.0.2.10/24",
    ),
    "a gateway without an address": (
        {"gateway": "192.0.2.1"},
        "variable gateway = 192.0.2.1 is of no use without an address",
    ),
    "a server that is none": ({"nameservers": "dns1"}, "variable nameservers: 'dns1' is no address"),
    "a VLAN too high": ({"vlan": 4095}, "variable vlan = '4095' is no VLAN: they have the numbers 1 to 4094"),
    "a VLAN that is true": (
        {"vlan": True},
        "variable vlan = 'True' is no VLAN: they have the numbers 1 to 4094",
    ),
    "a bond of one": ({"bond": "eth0"}, "variable bond needs two cards or more, each named once"),
    "a bond of twins": ({"bond": "eth0 eth0"}, "variable bond needs two cards or more, each named once"),
    "a bond beside a card": (
        {"bond": "eth0 eth1", "interface": "eth2"},
        "variable interface = eth2 goes with no bond: its cards are in bond",
    ),
    "a mode that is none": (
        {"bond": "eth0 eth1", "bond_mode": "fast"},
        "variable bond_mode = 'fast' is not known; known are active-backup, balance-rr, balance-xor, "
        "broadcast, 802.3ad, balance-tlb, balance-alb",
    ),
    "a mode without a bond": (
        {"bond_mode": "802.3ad"},
        "variable bond_mode = 802.3ad is of no use without the variable bond",
    ),
    "users as words": (
        {"users": "ann bob"},
        'variable users must be a list of tables, such as [{name = "ann"}]',
    ),
    "a user without a name": ({"users": [{}]}, "variable users[0].name = '' is not usable"),
    "a user twice": ({"users": [{"name": "ann"}, {"name": "ann"}]}, "variable users names ann twice"),
    "root as a user": (
        {"users": [{"name": "root"}]},
        "variable users: root is no further account; its password and keys have their own variables",
    ),
    "a user's unknown key": (
        {"users": [{"name": "ann", "sudo": True}]},
        "variable users[0] has no sudo; known are name, gecos, groups, admin, password, "
        "password_hash, ssh_keys, shell",
    ),
    "a full name of two lines": (
        {"users": [{"name": "ann", "gecos": "a\nb"}]},
        "variable users[0].gecos = 'a\\nb' is not usable",
    ),
    "a full name with a colon": (
        {"users": [{"name": "ann", "gecos": "a:b"}]},
        "variable users[0].gecos = 'a:b' holds a colon or comma, which divide the fields of passwd",
    ),
    "a repository without an address": (
        {"repositories": [{"name": "x", "url": "extra"}]},
        "variable repositories[0].url = 'extra' is no URL; write it like http://proxy.example:3128",
    ),
    "a tree that is a path": (
        {"repositories": [{"name": "x", "url": "tree:../etc"}]},
        "variable repositories[0].url: tree '../etc' is not usable: lower-case letters, digits, dots and "
        "dashes, starting with a letter or digit, 63 characters at most",
    ),
    "luks without a passphrase": ({"layout": "luks"}, "the layout luks needs the variable luks_passphrase"),
    "a mirror of one disk": (
        {"layout": "raid1", "disk": "vda"},
        "variable disk has one device, layout raid1 needs two",
    ),
}


def read(values: dict[str, object]) -> dict[str, object]:
    return checked(settle([Layer("profile p", values)]))


@pytest.mark.parametrize("what", GOOD)
def test_a_value_is_read(what: str) -> None:
    values, expected = GOOD[what]

    assert read(values) == {"network": Network()} | expected


@pytest.mark.parametrize("what", BAD)
def test_a_value_that_is_none_is_one_sentence(what: str) -> None:
    values, sentence = BAD[what]
    with pytest.raises(Invalid) as refusal:
        read(values)

    assert str(refusal.value) == f"profile p: {sentence}"


def test_a_hash_in_a_stronger_layer_stands_above_a_password_in_a_weaker_one() -> None:
    weak, strong = (
        Layer("host local", {"root_password": "x", "lang": "C"}),
        Layer("guest web1", {"root_password_hash": HASH}),
    )
    settled = settle([weak, strong])

    assert {name: row.origin for name, row in settled.items()} == {
        "lang": "host local",
        "root_password_hash": "guest web1",
    }
