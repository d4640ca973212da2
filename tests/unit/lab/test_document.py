"""What a file means: its things, expanded, in the order of their needs."""

import json

import pytest

from provisioner.core.lab import Item, Lab, Place, Ref
from provisioner.lab.document import read

FOUR = """\
lab: four
networks:
  - {name: green, subnet: 192.168.90.0/24}
profiles:
  - {name: web, family: image, tree: mini, image: tiny}
guests:
  - {name: by-pxe, profile: web, networks: [network=green]}
  - {name: by-url, profile: tiny, location: mini}
  - {name: by-iso, profile: tiny, cdrom: mini.iso}
  - {name: by-import, method: import, disks: [{path: cloud.qcow2, linked: on}], cloud_init: {}}
"""


def wanted(text: str) -> dict[str, dict[str, object]]:
    """What each thing of a lab is asked for with, by its name."""
    lab = read(f"lab: x\n{text}", "lab.yaml")
    return {item.ref.name: {**item.wanted} for item in lab.items}


def guests(text: str) -> dict[str, dict[str, object]]:
    lines = "".join(f"  {line}\n" for line in text.splitlines())
    return {name: body for name, body in wanted(f"guests:\n{lines}").items() if body.pop("name") == name}


def test_a_whole_file() -> None:
    lab = read(FOUR, "lab.yaml")

    green, web, tiny = Ref("network", "green"), Ref("profile", "web"), Ref("profile", "tiny")
    tree, image = Ref("tree", "mini"), Ref("image", "tiny")
    assert lab == Lab(
        "four",
        (
            Item(green, {"name": "green", "subnet": "192.168.90.0/24"}, "", (), Place(3, 12)),
            Item(
                web,
                {"name": "web", "family": "image", "tree": "mini", "image": "tiny"},
                "",
                (),
                Place(5, 12),
                (tree, image),
            ),
            Item(
                Ref("guest", "by-pxe"),
                {"name": "by-pxe", "profile": "web", "networks": ["network=green"]},
                "",
                (green, web),
                Place(7, 12),
            ),
            Item(
                Ref("guest", "by-url"),
                {"name": "by-url", "profile": "tiny", "location": "mini"},
                "",
                (),
                Place(8, 12),
                (tiny,),
            ),
            Item(
                Ref("guest", "by-iso"),
                {"name": "by-iso", "profile": "tiny", "cdrom": "mini.iso"},
                "",
                (),
                Place(9, 12),
                (tiny,),
            ),
            Item(
                Ref("guest", "by-import"),
                {
                    "name": "by-import",
                    "method": "import",
                    "disks": ["path=cloud.qcow2,linked=on"],
                    "cloud_init": {},
                },
                "",
                (),
                Place(10, 12),
            ),
        ),
    )


NAMES = [
    ("web", "", ["web"]),
    ("web{01..03}", "", ["web01", "web02", "web03"]),
    ("'{web,db}-{1..2}'", "", ["web-1", "web-2", "db-1", "db-2"]),
    ("web", "count: 2", ["web1", "web2"]),
    ("web", "count: 1", ["web1"]),
    ("web{n:02}.lab", "count: 2", ["web01.lab", "web02.lab"]),
    ("web{1..2}", "count: 2", ["web1", "web2"]),
    ("8", "", ["8"]),
]


@pytest.mark.parametrize(("name", "count", "names"), NAMES)
def test_names(name: str, count: str, names: list[str]) -> None:
    assert list(guests(f"- name: {name}\n  profile: tiny\n  {count}")) == names


FILLED = [
    ("mac: 52:54:00:00:00:{n:02x}", "mac", ["52:54:00:00:00:09", "52:54:00:00:00:0a"]),
    ("disks: ['vol=fast/{name}']", "disks", [["vol=fast/web9"], ["vol=fast/web10"]]),
    ("variables: {a: ['x{n}']}", "variables", [{"a": ["x9"]}, {"a": ["x10"]}]),
    (
        "variables: {a: '${n} {{ name }} {other} {n:d}'}",
        "variables",
        [{"a": "${n} {{ name }} {other} {n:d}"}] * 2,
    ),
    ("cloud_init: {user_data: 'echo {name}'}", "cloud_init", [{"user_data": "echo {name}"}] * 2),
    ("files: {ks.cfg: '{n}'}", "files", [{"ks.cfg": "{n}"}] * 2),
]


@pytest.mark.parametrize(("line", "field", "values"), FILLED)
def test_each_of_several_has_its_own(line: str, field: str, values: list[object]) -> None:
    found = guests(f"- name: web{{9..10}}\n  {line}")

    assert [one[field] for one in found.values()] == values


def test_networks_are_several_too() -> None:
    found = wanted("networks:\n- {name: 'net{1..2}', subnet: '192.168.{n}.0/24'}")

    assert [one["subnet"] for one in found.values()] == ["192.168.1.0/24", "192.168.2.0/24"]


LAYERS = """\
lab: x
defaults:
  guests: {memory: 512, autostart: true, disks: [size=2], variables: {a: 1, b: 1}}
guests:
  - name: web{1..3}
    memory: 2048
    variables: {b: 2, c: 2}
    overrides:
      web{2..3}: {vcpus: 2, variables: {c: 3}}
      web3: {memory: null, vcpus: 4, disks: []}
  - {name: copy, clone: web1}
"""


def test_defaults_lie_below_and_overrides_above() -> None:
    """Maps are put together, lists are not, and what is empty is as if it were left out."""
    found = {item.ref.name: item.wanted for item in read(LAYERS, "lab.yaml").items}

    both = {"autostart": True, "disks": ["size=2"]}
    assert found == {
        "web1": {"name": "web1", **both, "memory": 2048, "variables": {"a": 1, "b": 2, "c": 2}},
        "web2": {"name": "web2", **both, "memory": 2048, "vcpus": 2, "variables": {"a": 1, "b": 2, "c": 3}},
        "web3": {
            "name": "web3", "autostart": True, "disks": [], "vcpus": 4, "variables": {"a": 1, "b": 2, "c": 3},
        },
        "copy": {"name": "copy", "clone": "web1"},
    }  # fmt: skip


VALUES = [
    ("profile: 8.10", "profile", "8.10"),
    ("mac: 52:54:00:12:34:56", "mac", "52:54:00:12:34:56"),
    ("cpu: no", "cpu", "no"),
    ("rom: off", "rom", False),
    ("memory: 0512", "memory", 512),
    ("variables: {a: 1, b: 1.50, c: yes, d: '1', e: 0x1F, f: 1:30, g: ~, h: [x, {y: 1.0e+3}]}", "variables",
     {"a": 1, "b": 1.5, "c": True, "d": "1", "e": "0x1F", "f": "1:30", "g": None, "h": ["x", {"y": 1000.0}]}),
    ("disks: [size=4, {size: 1.5, pool: fast, linked: off}]", "disks",
     ["size=4", "size=1.5,pool=fast,linked=off"]),
    ("networks: [user, {type: direct, source: eth0}]", "networks", ["user", "type=direct,source=eth0"]),
    ("ssh_keys: [ssh-ed25519 AAAA x, ssh-rsa BBBB]", "ssh_keys", ["ssh-ed25519 AAAA x", "ssh-rsa BBBB"]),
    ("<<: {memory: 256, vcpus: 2}\n  memory: 512", "memory", 512),
    ("<<: [{memory: 256}, {memory: 512}]", "memory", 256),
]  # fmt: skip


@pytest.mark.parametrize(("line", "field", "value"), VALUES)
def test_values(line: str, field: str, value: object) -> None:
    """A text is as it is written, whatever YAML would make of it."""
    assert guests(f"- name: web1\n  {line}")["web1"][field] == value


def test_json_is_read_too() -> None:
    """Tabs between words, characters written as two escapes, and backslashes that only look like such."""
    body = {"name": "web1", "memory": 512, "variables": {"a": "\U0001f600 \\ud83d\\ude00 \\", "b": "ü/\n"}}
    text = json.dumps({"lab": "x", "guests": [body]}, indent="\t")
    (item,) = read(text, "lab.json").items

    assert "\\ud83d\\ude00" in text
    assert item.wanted == body


ORDER = """\
lab: x
guests:
  - {name: c, clone: b}
  - {name: b, profile: p, needs: ["a{1..2}"], networks: [network=n], on: far}
  - {name: a1, disks: ["size=1,pool=q"]}
  - {name: a2, location: t}
profiles:
  - {name: p, family: rhel, tree: t, image: i}
images:
  - {name: i}
trees:
  - {name: t, source: http://mirror.example/os}
pools:
  - {name: q, path: /srv/q}
networks:
  - {name: n, subnet: 10.1.0.0/24, on: far}
hosts:
  - {name: far, uri: qemu+ssh://root@far.example/system}
"""


def test_each_comes_after_what_it_needs() -> None:
    items = {str(item.ref): item for item in read(ORDER, "lab.yaml").items}

    assert {name: [str(ref) for ref in item.needs] for name, item in items.items()} == {
        "host far": [],
        "network n on far": ["host far"],
        "pool q": [],
        "tree t": [],
        "image i": [],
        "profile p": ["tree t", "image i"],
        "guest a1": ["pool q"],
        "guest a2": ["tree t"],
        "guest b": ["host far", "network n on far", "profile p", "guest a1", "guest a2"],
        "guest c": ["guest b"],
    }
    assert [str(item.ref) for item in items.values()] == list(items)
    assert [items[name].on for name in ("guest b", "guest c", "guest a1")] == ["far", "far", ""]


def test_a_profile_from_elsewhere_may_need_any_image_and_tree_of_the_file() -> None:
    items = read(
        "lab: x\nguests: [{name: a, profile: tiny}, {name: b}]\nimages: [{name: tiny}]", "lab.yaml"
    ).items

    assert [[str(ref) for ref in item.needs] for item in items] == [[], ["image tiny"], []]


OUTSIDE = [
    ("{profile: tiny}", ["profile tiny"]),
    ("{networks: [network=n, network=default, bridge=br0]}", ["network n", "network default"]),
    ("{networks: [network=n], on: far}", ["host far", "network n on far"]),
    ("{disks: ['size=1,pool=q'], on: local}", ["pool q"]),
    ("{disks: [size=1], location: debian.iso}", []),
    ("{clone: gold}", ["guest gold"]),
]


@pytest.mark.parametrize(("fields", "refs"), OUTSIDE)
def test_what_is_named_and_not_in_the_file(fields: str, refs: list[str]) -> None:
    (item,) = read(f"lab: x\nguests: [{{name: web1, <<: {fields}}}]", "lab.yaml").items

    assert [str(ref) for ref in item.outside] == refs
