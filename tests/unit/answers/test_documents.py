"""Autoinstall, AutoYaST and Agama: what their installers would not take, with its line and column."""

import shutil
from pathlib import Path

import pytest

from provisioner.answers import lint_autoyast
from provisioner.answers.finding import errors
from provisioner.answers.lint import lint

USER_DATA = "#cloud-config\nautoinstall:\n  version: 1\n  user-data: {hostname: a}\n"
AUTOINSTALL = {
    USER_DATA: [],
    USER_DATA + "  late-commands:\n    - echo done\n    - [curtin, in-target, --, 'true']\n": [],
    USER_DATA + "packages: [vim]\n": [],
    USER_DATA.removeprefix("#cloud-config\n"): [
        "line 1: the first line must be #cloud-config, or cloud-init does not read the rest"
    ],
    "#cloud-config\nusers: []\n": [
        "line 1: there is no key autoinstall in it: the installer would ask for everything"
    ],
    "#cloud-config\n": ["line 1: there is no key autoinstall in it"],
    "#cloud-config\nautoinstall: yes\n": [
        "line 2, column 14: autoinstall must be a map of keys, not true or false"
    ],
    "#cloud-config\nautoinstall:\n  version: 1\n": [
        "line 3, column 3: autoinstall needs identity or user-data: nobody could log in"
    ],
    "#cloud-config\nautoinstall:\n  user-data: {}\n": ["line 3, column 3: autoinstall needs the key version"],
    USER_DATA + "  late_commands: [x]\n": [
        "line 5, column 3: autoinstall.late_commands is not known; did you mean late-commands?"
    ],
    USER_DATA + "late-commands: [x]\n": ["line 5, column 1: late-commands belongs below autoinstall"],
    USER_DATA + "  packages: vim\n": ["line 5, column 13: autoinstall.packages must be a list, not a text"],
    USER_DATA + "  version: 2\n": [
        "line 5, column 3: autoinstall.version is given already on line 3",
        "line 5, column 12: autoinstall.version is '2'; known are 1",
    ],
    USER_DATA + "  identity: {username: a, password: b}\n": [
        "line 5, column 13: autoinstall.identity needs the key hostname"
    ],
    USER_DATA + "  storage:\n    config:\n      - {type: disc, id: a}\n": [
        "line 7, column 16: autoinstall.storage.config[0].type is 'disc'; known are disk, partition, "
        "format, mount, lvm_volgroup, lvm_partition, dm_crypt, raid, bcache, dasd, zpool, zfs, image, "
        "device, nvme_controller, multipath"
    ],
    USER_DATA + "  early-commands:\n    - if true; then\n": [
        "line 6, column 7: autoinstall.early-commands[0]: shell: Syntax error: end of file unexpected "
        '(expecting "fi")'
    ],
    "#cloud-config\nautoinstall: {a: [}\n": [
        "line 2, column 19: this is no YAML: did not find expected node content"
    ],
    "#cloud-config\nautoinstall: !!python/object/apply:os.system ['true']\n": [
        "line 2, column 14: autoinstall must be a map of keys, not a list"
    ],
}
_OPEN = '<profile xmlns="http://www.suse.com/1.0/yast2ns" xmlns:config="http://www.suse.com/1.0/configns">'
AUTOYAST = {
    f"{_OPEN}<general/></profile>": [],
    f'<?xml version="1.0"?>\n<!DOCTYPE profile>\n{_OPEN}</profile>': [],
    f"{_OPEN}\n<general>\n</profile>": ["line 3, column 3: this is no XML: mismatched tag"],
    "<profile/>": [
        'line 1, column 1: the root must be <profile xmlns="http://www.suse.com/1.0/yast2ns">, not <profile>'
    ],
    f'{_OPEN}\n<general><a config:type="boolean">yes</a></general></profile>': [
        "line 2, column 10: a is of type boolean, and 'yes' is none"
    ],
    f'{_OPEN}\n<general><a config:type="bool">true</a></general></profile>': [
        "line 2, column 10: a: type 'bool' is not known; known are boolean, integer, list, map, string, "
        "symbol, disksize"
    ],
    f"{_OPEN}\n<users/>\n<users/></profile>": ["line 3, column 1: users is given already on line 2"],
    f'{_OPEN}\n<users config:type="list"><user/><user/></users></profile>': [],
    f"{_OPEN}\n<usres/></profile>": ["line 2, column 1: the section usres is not known to AutoYaST's manual"],
    f'{_OPEN}<scripts><chroot-scripts config:type="list"><script><source><![CDATA[\nif true\n]]></source>'
    "</script></chroot-scripts></scripts></profile>": ["line 3: shell: syntax error: unexpected end of file"],
    f'{_OPEN}<scripts><chroot-scripts config:type="list"><script><interpreter>perl</interpreter><source>'
    "if (1) {}</source></script></chroot-scripts></scripts></profile>": [],
    '<!DOCTYPE p [<!ENTITY a "b">]>\n<profile>&a;</profile>': [
        "line 1, column 25: the entity a is defined: an answer file needs none, and none is followed"
    ],
    '<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<profile>&x;</profile>': [
        "line 1, column 52: the entity x is defined: an answer file needs none, and none is followed"
    ],
}
AGAMA = {
    '{"product": {"id": "SLES"}}\n': [],
    '{\n\t"product": {"id": "SLES"},\n\t"root": {"password": "x\\/y"}\n}\n': [],
    '{"product" {"id": "SLES"}}\n': ["line 1, column 12: this is no JSON: Expecting ':' delimiter"],
    "[]\n": ["line 1, column 1: the document must be a map of keys"],
    '{"product": {"ID": "SLES"}}\n': [
        "line 1, column 13: product needs the key id",
        "line 1, column 14: product.ID is not known; known are addons, id, mode, registrationCode, "
        "registrationEmail, registrationUrl",
    ],
    '{"rooot": {}}\n': ["line 1, column 2: rooot is not known; did you mean root?"],
    '{"root": {\n  "hashedPassword": "true"}}\n': [
        "line 2, column 21: root.hashedPassword must be true or false, not a text"
    ],
    '{"root": {}, "root": {}}\n': ["line 1, column 14: root is given already on line 1"],
    '{"scripts": {"pre": [{"name": "a", "content": "#!/bin/sh\\nfi\\n"}]}}\n': [
        "line 1, column 47: scripts.pre[0]: shell: syntax error near unexpected token `fi'"
    ],
    '{"scripts": {"post": [{"name": "a"}]}}\n': [
        "line 1, column 23: scripts.post[0] needs one of content and url"
    ],
}
ALL = [
    *(("ubuntu", "24.04", text, found) for text, found in AUTOINSTALL.items()),
    *(("suse", "15.6", text, found) for text, found in AUTOYAST.items()),
    *(("agama", "16", text, found) for text, found in AGAMA.items()),
]


@pytest.mark.parametrize(("family", "release", "text", "found"), ALL)
def test_findings_have_their_place(family: str, release: str, text: str, found: list[str]) -> None:
    assert [str(finding) for finding in lint(text, family, release)] == found


BOMBS = {
    "aliases": "#cloud-config\nautoinstall:\n  a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"  {name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    ),
    "depth": "#cloud-config\nautoinstall: " + "[" * 3000 + "]" * 3000 + "\n",
}


@pytest.mark.parametrize("name", BOMBS)
def test_yaml_that_grows_ends_in_a_sentence(name: str) -> None:
    (found, *_) = errors(lint(BOMBS[name], "ubuntu", "24.04"))

    assert "nested too deep or too large" in found.text or "no YAML" in found.text


def test_json_that_is_too_deep_ends_in_a_sentence() -> None:
    (found,) = lint("[" * 100_000 + "]" * 100_000, "agama", "16")

    assert "too deep" in found.text


def test_xml_that_is_too_deep_ends_in_a_sentence() -> None:
    found = lint(_OPEN + "<a>" * 5000 + "</a>" * 5000 + "</profile>", "suse", "15.6")

    assert any("is nested too deep" in row.text for row in found)


@pytest.mark.skipif(not shutil.which("xmllint"), reason="xmllint is not installed: apt install libxml2-utils")
def test_the_distributions_schema_is_asked_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = tmp_path / "profile.rng"
    schema.write_text(
        '<element name="profile" ns="http://www.suse.com/1.0/yast2ns" xmlns="http://relaxng.org/ns/structure/1.0">'
        '<element name="general"><empty/></element></element>'
    )
    monkeypatch.setattr(lint_autoyast, "SCHEMA", schema)

    assert lint(f"{_OPEN}<general/></profile>", "suse", "15.6") == []
    found = lint(f"{_OPEN}\n<users/></profile>", "suse", "15.6")
    assert found[0].text.startswith("SUSE's schema: ")
    assert found[0].line == 2
