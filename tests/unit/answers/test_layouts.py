"""Every layout of every family is one that its installer takes; what a family cannot do is said."""

import pytest

from provisioner.answers.finding import errors
from provisioner.answers.lint import lint
from provisioner.core.errors import Invalid
from tests.unit.answers.test_every_family import LUKS, STATIC, TEMPLATES, text

KNOWN = {
    "rhel": ("luks", "lvm", "plain", "raid1", "thinp"),
    "debian": ("luks", "lvm", "plain", "raid1"),
    "ubuntu": ("lvm", "plain"),
    "suse": ("lvm", "plain"),
    "agama": ("lvm", "plain"),
    "image": ("plain",),
}
"""The layouts, by the folder that has them."""


def folder(name: str, release: str) -> str:
    if (name, release) == ("ubuntu", "18.04"):
        return "debian"
    return "rhel" if name == "fedora" else name


@pytest.mark.parametrize("key", TEMPLATES)
def test_every_layout_of_a_family_is_taken(key: tuple[str, str]) -> None:
    found = {}
    for layout in KNOWN[folder(*key)]:
        if (layout, key) == ("thinp", ("rhel", "6")):
            continue
        for more in ({}, {"disk": "sda sdb", "filesystem": "ext4"}):
            variables = LUKS | {"layout": layout} | more
            if wrong := list(errors(lint(text(*key, variables), *key))):
                found[layout, bool(more)] = [str(row) for row in wrong]

    assert found == {}


@pytest.mark.parametrize("key", TEMPLATES)
def test_a_layout_that_a_family_has_not_is_refused_with_those_it_has(key: tuple[str, str]) -> None:
    with pytest.raises(Invalid) as refusal:
        text(*key, {"layout": "round"})

    place = folder(*key)
    assert str(refusal.value) == (
        f"the layout 'round' is not known to {place}; known are {', '.join(KNOWN[place])}"
    )


REFUSED: dict[str, tuple[tuple[str, str], dict[str, object], str]] = {
    "thin pools of release 6": (
        ("rhel", "6"),
        {"layout": "thinp"},
        "rhel/snippets/layout-thinp.j2 line 2: release 6 makes no thin pools",
    ),
    "an image's address": (
        ("image", ""),
        STATIC,
        "image/ks.cfg.j2 line 26: an image is installed by DHCP on the first card; set address, vlan and "
        "bond in the image itself",
    ),
    "Agama's VLAN without a card": (
        ("agama", "16.0"),
        {"vlan": 42},
        "agama/snippets/network.j2 line 4: Agama puts a VLAN on a card by its name; set the variable "
        "interface",
    ),
    "a script that ends its section": (
        ("rhel", "9.4"),
        {"post": "cat <<END\n%end\nEND"},
        "rhel/snippets/post.j2 line 5: line 2 of a script begins with %end, on which a kickstart's reader "
        "acts",
    ),
    "a passphrase that a preseed file cannot hold, which is not repeated": (
        ("debian", "12"),
        {"layout": "luks", "luks_passphrase": " open"},
        "debian/snippets/layout-luks.j2 line 4: luks_passphrase begins or ends with what a preseed file has "
        "no quotes for",
    ),
    "arguments that a preseed file cannot hold": (
        ("debian", "12"),
        {"append": "quiet \\"},
        "debian/snippets/system.j2 line 19: 'quiet \\\\' begins or ends with what a preseed file has no "
        "quotes for",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_family_cannot_do_is_one_sentence_with_its_place(what: str) -> None:
    key, variables, sentence = REFUSED[what]
    with pytest.raises(Invalid) as refusal:
        text(*key, variables)

    assert str(refusal.value) == sentence


OWN_LANGUAGE = {
    ("rhel", "9.4"): ("logging --host=192.0.2.9", "%post\ntrue\n%end"),
    ("debian", "12"): ("d-i netcfg/get_domain string lab", "d-i clock-setup/ntp boolean true"),
    ("ubuntu", "24.04"): ("updates: all", "drivers:\n  install: true"),
    ("suse", "15.6"): ('  <host><hosts config:type="list"/></host>', "  <ntp-client/>"),
    ("agama", "16.0"): ('  "security": {"sslCertificates": []}', '  "iscsi": {"targets": []}'),
    ("image", ""): ("# first", "%post\ntrue\n%end"),
}


@pytest.mark.parametrize("key", OWN_LANGUAGE)
def test_texts_in_the_files_own_language_are_put_where_they_are_read(key: tuple[str, str]) -> None:
    before, after = OWN_LANGUAGE[key]
    written = text(*key, {"before": before, "after": after})

    assert list(errors(lint(written, *key))) == []
    assert written.index(before.strip().split("\n")[-1]) < written.rindex(after.strip().split("\n")[0])
