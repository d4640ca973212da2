"""What is known of things that are there, in the words of the request that would make them."""

import pytest

from provisioner.core.host import Host, Network, Pool
from provisioner.core.profile import Image, Profile, Tree
from provisioner.core.source import normalise
from provisioner.service import lab_known

NETWORK = Network(
    "shop",
    "nat",
    True,
    autostart=True,
    bridge="virbr7",
    addresses=("192.168.90.1/24",),
    dhcp=True,
    ranges=("192.168.90.50-192.168.90.99",),
    reserved=("52:54:00:00:00:01 192.168.90.10 web1",),
)
NETWORKS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "as it is": ({}, {"mode": "nat", "autostart": True, "dhcp": True}),
    "the subnet's own words": ({"subnet": "192.168.90.0/24"}, {"subnet": "192.168.90.0/24"}),
    "another subnet": ({"subnet": "192.168.91.0/24"}, {"subnet": "192.168.90.1/24"}),
    "the same range": (
        {"dhcp_range": "192.168.90.50,192.168.90.99"},
        {"dhcp_range": "192.168.90.50,192.168.90.99"},
    ),
    "another range": (
        {"dhcp_range": "192.168.90.2,192.168.90.9"},
        {"dhcp_range": "192.168.90.50-192.168.90.99"},
    ),
    "the same hosts": (
        {"dhcp_hosts": ["52-54-00-00-00-01,192.168.90.10,web1"]},
        {"dhcp_hosts": ["52-54-00-00-00-01,192.168.90.10,web1"]},
    ),
    "other hosts": (
        {"dhcp_hosts": ["52:54:00:00:00:02,192.168.90.10"]},
        {"dhcp_hosts": ["52:54:00:00:00:01,192.168.90.10,web1"]},
    ),
    "a bridge that is named": ({"bridge": "virbr1"}, {"bridge": "virbr7"}),
}


@pytest.mark.parametrize("case", NETWORKS)
def test_a_network(case: str) -> None:
    said, expected = NETWORKS[case]

    known = lab_known.of_network(NETWORK, said)

    assert {name: known[name] for name in expected} == expected


def test_networks_that_share_the_hosts_segment() -> None:
    bridge = Network("lan", "bridge", True, bridge="br0")
    macvtap = Network("tap", "bridge", True, parents=("eth0",))

    assert lab_known.of_network(bridge, {"bridge": "br0"}) == {
        "mode": "bridge",
        "autostart": False,
        "dhcp": True,
        "bridge": "br0",
    }
    assert lab_known.of_network(macvtap, {"parents": ["eth0"]})["mode"] == "macvtap"


def test_a_pool_a_host_an_image() -> None:
    pool = Pool("fast", True, 1, 0, 1, "/srv/fast", autostart=True)

    assert lab_known.of_pool(pool, {"path": "/srv/fast/"}) == {
        "kind": "dir",
        "autostart": True,
        "path": "/srv/fast/",
    }
    assert lab_known.of_pool(pool, {"path": "/srv/other"})["path"] == "/srv/fast"
    assert lab_known.of_host(Host("rack", "qemu:///x")) == {"uri": "qemu:///x", "allow_unsafe": False}
    assert lab_known.of_image(Image("debian12", "f", "0", 1, 1, tuned=True), {"tune": False})["tune"] is True


def test_a_trees_source_is_compared_where_it_is_a_place() -> None:
    tree = Tree("c7", normalise("ftp://user:secret@mirror/7"), mirrors=("http://other/7",))

    assert (
        lab_known.of_tree(tree, {"source": "ftp://user:secret@mirror/7/"})["source"]
        == "ftp://user:secret@mirror/7/"
    )
    assert lab_known.of_tree(tree, {"source": "http://new/7"})["source"] == "ftp://user:***@mirror/7"
    assert lab_known.of_tree(tree, {"source": "centos7.6"}) == {}
    assert lab_known.of_tree(tree, {"source": "centos7.6", "mirrors": []}) == {"mirrors": ["http://other/7"]}


def test_a_profiles_passwords_are_what_was_asked_for() -> None:
    kept = Profile("p", "rhel", "c7", variables={"root_password_hash": "$6$x", "lang": "de"})

    new = lab_known.of_profile(kept, {"variables": {"root_password": "sealed:1"}}, None)
    made = lab_known.of_profile(
        kept, {"variables": {"root_password": "sealed:2"}}, {"variables": {"root_password": "sealed:1"}}
    )

    assert new["variables"] == {"lang": "de", "root_password": "sealed:1"}
    assert made["variables"] == {"lang": "de", "root_password": "sealed:1"}
