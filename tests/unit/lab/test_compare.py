"""What is to be done to a thing, by what the file asks and how it is."""

from collections.abc import Mapping

import pytest

from provisioner.core.lab import Action, Actual, Difference, Item, Lab, LabKind, Place, Ref
from provisioner.lab.compare import compare
from provisioner.lab.document import read
from provisioner.lab.secrets import sealed

XML = Difference("xml devices/disk[vda]/driver@cache", "none", "")
ANSWER = Difference("answer file", "as it was", "as it is")
Spec = Mapping[str, object]


def item(kind: LabKind, spec: Spec, on: str = "") -> Item:
    return Item(Ref(kind, "a"), {"name": "a", **spec}, on, (), Place(1, 1))


GUESTS: dict[str, tuple[Spec, Actual | None, Action, list[str], str]] = {
    "nothing is there": ({}, None, "add", [], ""),
    "as it was asked": ({"memory": 512}, Actual({"memory": 512}), "keep", [], ""),
    "as it is known": ({"memory": 512}, Actual({"memory": 512}, {"memory": 512}), "keep", [], ""),
    "asked for now what it has": ({"memory": 512}, Actual({}, {"memory": 512}), "keep", [], ""),
    "the default is said": ({"boot": "bios", "rom": True}, Actual({}), "keep", [], ""),
    "the default is no longer said": ({}, Actual({"boot": "bios", "disks": []}), "keep", [], ""),
    "other memory": ({"memory": 512}, Actual({"memory": 256}), "change", ["memory 256 512"], ""),
    "no memory asked": ({}, Actual({"memory": 256}), "change", ["memory 256 "], ""),
    "memory asked": ({"memory": 256}, Actual({}), "change", ["memory  256"], ""),
    "autostart": ({"autostart": True}, Actual({}), "change", ["autostart false true"], ""),
    "changed behind us": (
        {"memory": 512},
        Actual({"memory": 512}, {"memory": 1024}),
        "change",
        ["memory 1024 512"],
        "memory was changed behind us",
    ),
    "what was never asked for, behind us": (
        {},
        Actual({}, {"autostart": True, "memory": 512}),
        "change",
        ["autostart true false"],
        "autostart was changed behind us",
    ),
    "what was never asked for, of somebody's": (
        {},
        Actual(None, {"autostart": True}),
        "keep",
        [],
        "it was there already and is taken over",
    ),
    "changed in file and behind us": (
        {"memory": 512},
        Actual({"memory": 256}, {"memory": 1024}),
        "change",
        ["memory 1024 512"],
        "",
    ),
    "its definition": (
        {},
        Actual({}, drift=(XML,)),
        "change",
        ["xml devices/disk[vda]/driver@cache none "],
        "xml devices/disk[vda]/driver@cache was changed behind us",
    ),
    "disks changed behind us": (
        {"disks": ["size=4"]},
        Actual({"disks": ["size=4"]}, {"disks": ["size=4", "size=1"]}),
        "change",
        ["disks[1] size=1 "],
        "disks[1] was changed behind us",
    ),
    "an argument": (
        {"extra_args": "quiet"},
        Actual({}),
        "change",
        ["extra_args  quiet"],
        "a rebuild takes up extra_args",
    ),
    "variables": (
        {"variables": {"timezone": "UTC", "lang": "de"}},
        Actual({"variables": {"timezone": "CET", "lang": "de", "vlan": 4}}),
        "change",
        ["variables.timezone CET UTC", "variables.vlan 4 "],
        "a rebuild takes up variables.timezone, variables.vlan",
    ),
    "a disk": (
        {"disks": ["size=4", "size=2"]},
        Actual({"disks": ["size=4"]}),
        "replace",
        ["disks[1]  size=2"],
        "disks[1] cannot be changed in what is there",
    ),
    "memory and a disk": (
        {"memory": 512, "disks": ["size=4"]},
        Actual({"memory": 256, "disks": ["size=2"]}),
        "replace",
        ["memory 256 512", "disks[0] size=2 size=4"],
        "disks[0] cannot be changed in what is there",
    ),
    "spelled otherwise": (
        {
            "disks": ["size=4,pool=default"],
            "networks": ["network=default,model=virtio"],
            "mac": "52-54-00-00-00-01",
            "boot": "hvm",
        },
        Actual({"disks": ["size=4.0"], "networks": ["default"], "mac": "525400000001"}),
        "keep",
        [],
        "",
    ),
    "Secure Boot": ({"boot": "uefi,secure=on"}, Actual({"boot": "uefi,secure=yes"}), "keep", [], ""),
    "cloud-init": (
        {"cloud_init": {}},
        Actual({}),
        "change",
        ["cloud_init  {}"],
        "a rebuild takes up cloud_init",
    ),
    "a start is of no meaning now": ({"start": "off"}, Actual({"start": "run"}), "keep", [], ""),
    "a clone": ({"clone": "b"}, Actual({"clone": "b"}), "keep", [], ""),
    "another original": (
        {"clone": "b"},
        Actual({"clone": "c"}),
        "replace",
        ["clone c b"],
        "clone cannot be changed in what is there",
    ),
    "a clone no longer": (
        {"profile": "tiny"},
        Actual({"clone": "c"}, {"profile": "tiny"}),
        "replace",
        ["clone c "],
        "clone cannot be changed in what is there",
    ),
    "its domain is gone": ({}, Actual({}, lost="its domain is gone"), "replace", [], "its domain is gone"),
    "busy": (
        {"memory": 512},
        Actual({}, busy="it is being installed"),
        "change",
        ["memory  512"],
        "it is being installed",
    ),
    "busy and as it is wanted": ({}, Actual({}, busy="it is being installed"), "keep", [], ""),
    "busy, with more to say": (
        {"profile": "web"},
        Actual({}, busy="it is being installed"),
        "replace",
        ["profile  web"],
        "it is being installed; profile cannot be changed in what is there",
    ),
    "another answer file": (
        {},
        Actual({}, later=(ANSWER,)),
        "keep",
        ["answer file as it was as it is"],
        "a rebuild would take up what differs",
    ),
    "somebody's, as it is wanted": (
        {"memory": 512},
        Actual(None, {"memory": 512, "profile": "tiny"}),
        "keep",
        [],
        "it was there already and is taken over",
    ),
    "somebody's, with other memory": (
        {"memory": 512},
        Actual(None, {"memory": 256}),
        "change",
        ["memory 256 512"],
        "",
    ),
    "somebody's, with another disk": (
        {"disks": ["size=4"]},
        Actual(None, {"disks": ["size=2"]}),
        "refuse",
        ["disks[0] size=2 size=4"],
        "it is there already, was not made by this lab, and is another than the file wants",
    ),
    "somebody's, and gone": (
        {},
        Actual(None, lost="its domain is gone"),
        "refuse",
        [],
        "it is there already, was not made by this lab, and is another than the file wants",
    ),
    "never ours": (
        {"memory": 512},
        Actual(None, {"memory": 256}, foreign="it was not created here"),
        "refuse",
        [],
        "it was not created here",
    ),
}


@pytest.mark.parametrize("case", GUESTS)
def test_guests(case: str) -> None:
    spec, actual, action, differences, reason = GUESTS[case]
    wanted = item("guest", spec)
    (change,) = compare(Lab("x", (wanted,)), {wanted.ref: actual} if actual else {})

    assert (change.ref, change.item, change.action) == (wanted.ref, wanted, action)
    assert [f"{one.path} {one.old} {one.new}" for one in change.differences] == differences
    assert change.reason == reason


OTHERS: dict[str, tuple[LabKind, Spec, Spec, Action]] = {
    "a host's URI": ("host", {"uri": "qemu:///session"}, {"uri": "qemu:///system"}, "change"),
    "a network's autostart": ("network", {"autostart": True}, {"autostart": False}, "change"),
    "a network's subnet": ("network", {"subnet": "10.0.0.0/24"}, {"subnet": "10.0.1.0/24"}, "replace"),
    "a pool's path": ("pool", {"path": "/srv/b"}, {"path": "/srv/a"}, "replace"),
    "a tree's source": ("tree", {"source": "http://a.example/b"}, {"source": "http://b.example"}, "change"),
    "a tree's source, the same": ("tree", {"source": "http://a.example/"}, {"source": "http://a.example"},
                                  "keep"),
    "a tree's check": ("tree", {"verify": True}, {}, "keep"),
    "an image's tuning": ("image", {"tune": True}, {"tune": False}, "replace"),
    "a profile's disk": ("profile", {"disk": 8}, {"disk": 4}, "change"),
    "a profile's disk, the same": ("profile", {"disk": 4.0}, {"disk": 4}, "keep"),
}  # fmt: skip


@pytest.mark.parametrize("case", OTHERS)
def test_other_things(case: str) -> None:
    kind, spec, before, action = OTHERS[case]
    wanted = item(kind, spec)
    (change,) = compare(Lab("x", (wanted,)), {wanted.ref: Actual(before)})

    assert change.action == action


def test_a_network_that_somebody_changed_is_made_anew_where_nothing_else_helps() -> None:
    wanted = item("network", {"subnet": "10.0.0.0/24"})
    known = {"subnet": "10.0.9.0/24", "mode": "nat"}
    (change,) = compare(Lab("x", (wanted,)), {wanted.ref: Actual({"subnet": "10.0.0.0/24"}, known)})

    assert (change.action, change.reason) == ("replace", "subnet cannot be changed in what is there")


def test_of_a_text_its_length_is_told() -> None:
    wanted = item("profile", {"template": "text\nreboot\n"})
    (change,) = compare(Lab("x", (wanted,)), {wanted.ref: Actual({"template": "rhel/ks.cfg.j2"})})

    assert change.differences == (Difference("template", "rhel/ks.cfg.j2", "2 lines"),)


def test_another_host_means_another_guest() -> None:
    wanted = item("guest", {}, on="far")
    (change,) = compare(Lab("x", (wanted,)), {wanted.ref: Actual({}, on="")})

    assert change.action == "replace"
    assert change.differences == (Difference("on", "local", "far"),)


SECRET: Spec = {
    "root_password_hash": "$6$hidden",
    "cloud_init": {"user_data": "password: hidden"},
    "files": {"ks.cfg": "hidden"},
    "extra_args": "inst.rootpw=$6$salt$hidden.",
    "location": "ftp://me:hidden@host.example/os",
    "variables": {
        "root_password": "hidden",
        "luks_passphrase": "hidden",
        "users": [{"name": "ann", "password": "hidden"}],
        "timezone": "UTC",
    },
}


def test_secrets_are_sealed_and_never_told() -> None:
    before = item("guest", SECRET)
    after = item("guest", dict.fromkeys(SECRET))
    kept = sealed(before, lambda text: f"sealed {len(text)}")
    changes = compare(Lab("x", (item("guest", {}),)), {after.ref: Actual(kept)})

    hidden = {name: kept[name] for name in ("root_password_hash", "cloud_init", "files", "variables")}
    assert "hidden" not in str(hidden)
    assert kept["variables"] == {
        "root_password": "sealed 8",
        "luks_passphrase": "sealed 8",
        "users": [{"name": "ann", "password": "sealed 8"}],
        "timezone": "UTC",
    }
    told = {one.path: one.old for one in changes[0].differences}
    assert "hidden" not in str(told)
    assert told["root_password_hash"] == told["variables.root_password"] == told["files.ks.cfg"] == "***"
    assert told["variables.users"] == '[{"name": "ann", "password": "***"}]'
    assert told["variables.timezone"] == "UTC"


def test_a_changed_secret_is_seen_and_an_equal_one_is_not() -> None:
    same, other = item("guest", SECRET), item("guest", {**SECRET, "root_password_hash": "$6$new"})
    actual = {same.ref: Actual(sealed(same, hashing))}

    assert [change.action for change in compare(Lab("x", (same,)), actual, seal=hashing)] == ["keep"]
    (change,) = compare(Lab("x", (other,)), actual, seal=hashing)
    assert change.differences == (Difference("root_password_hash", "***", "***"),)


def hashing(text: str) -> str:
    return str(hash(text))


MANY = """\
lab: x
pools: [{name: p, path: /srv/p}]
guests: [{name: b, needs: [a]}, {name: a, disks: ["size=1,pool=p"]}]
"""


def test_what_is_added_comes_after_what_it_needs_and_what_goes_the_other_way() -> None:
    gone = {
        Ref("network", "old"): Actual({}),
        Ref("guest", "gold"): Actual({}),
        Ref("guest", "copy"): Actual({"clone": "gold"}),
        Ref("profile", "old"): Actual({}),
        Ref("host", "old"): Actual({}, busy="it is not reached"),
        Ref("guest", "somebody-s"): Actual(None),
    }
    lab = read(MANY, "lab.yaml")

    assert [f"{one.action} {one.ref}" for one in compare(lab, gone, prune=True)] == [
        "remove guest copy",
        "remove guest gold",
        "add pool p",
        "add guest a",
        "add guest b",
        "remove profile old",
        "remove network old",
        "remove host old",
    ]
    assert compare(lab, gone, prune=True)[-1].reason == "it is not reached"
    kept = [one for one in compare(lab, gone) if one.item is None]
    assert {one.action for one in kept} == {"keep"}
    assert {one.reason for one in kept} == {"it is no longer in the file; --prune removes it"}
