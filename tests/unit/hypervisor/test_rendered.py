"""The small XML documents that the libvirt edge itself renders, whole and against libvirt's schemas."""

import pytest
from lxml import etree

from provisioner.hypervisor import kvm
from provisioner.hypervisor.xml import attribute, child_text, parse, render
from provisioner.plan.network import NAMESPACE
from tests.unit.plan.test_domain import GOLDENS, schema

QUOTES = """a"b'c<d>&e"""
NETWORK: dict[str, object] = {
    "namespace": NAMESPACE, "name": "lab", "bridge": "lab0", "mode": "nat", "bootp": "",
    "address": "10.0.0.1", "netmask": "255.255.255.0", "first": "10.0.0.2", "last": "10.0.0.254",
    "parents": (), "hosts": (),
}  # fmt: skip
PROOF: dict[str, object] = {
    "namespace": kvm.NAMESPACE, "virt_type": "kvm", "machine": "q35", "name": "proof",
    "kernel": "/k", "initrd": "/i",
}  # fmt: skip
VOLUME: dict[str, object] = {
    "name": "v", "capacity": 1024, "allocation": 0, "format": "qcow2", "backing_path": "",
    "backing_format": "qcow2",
}  # fmt: skip
POOL: dict[str, object] = {"kind": "dir", "name": "p", "path": "/srv/p"}
DOCUMENTS: tuple[tuple[str, str, str, dict[str, object]], ...] = (
    ("volume-qcow2", "volume", "storagevol", VOLUME),
    ("volume-raw", "volume", "storagevol", VOLUME | {"format": "raw"}),
    ("volume-overlay", "volume", "storagevol", VOLUME | {"backing_path": "/srv/p/base"}),
    ("network-nat", "network", "network", NETWORK),
    ("network-isolated-bootp", "network", "network", NETWORK | {"mode": "isolated", "bootp": "http://10.0.0.1/b"}),
    ("pool", "pool", "storagepool", POOL),
    ("pool-logical", "pool", "storagepool", POOL | {"kind": "logical", "source": "vg0", "path": "/dev/vg0"}),
    ("pool-netfs", "pool", "storagepool", POOL | {"kind": "netfs", "host": "nas", "source": "/export"}),
    ("proof-kvm", "proof", "domain", PROOF),
    ("proof-qemu", "proof", "domain", PROOF | {"virt_type": "qemu"}),
)  # fmt: skip


@pytest.mark.parametrize(("golden", "template", "rng", "context"), DOCUMENTS, ids=[d[0] for d in DOCUMENTS])
def test_the_xml_is_the_golden_one_and_fits_the_schema(
    golden: str, template: str, rng: str, context: dict[str, object]
) -> None:
    text = render(template, **context)

    assert text == (GOLDENS / f"{golden}.xml").read_text()
    assert schema(rng).validate(etree.fromstring(text)), schema(rng).error_log


def test_texts_stay_texts() -> None:
    root = parse(render("pool", **POOL | {"name": QUOTES, "path": f"/{QUOTES}"}))

    assert child_text(root, "name") == QUOTES
    assert child_text(root, "target/path") == f"/{QUOTES}"
    assert attribute(parse(render("network", **NETWORK | {"bridge": QUOTES})), "bridge", "name") == QUOTES


def test_what_is_not_there_is_empty() -> None:
    root = parse("<a><b/></a>")

    assert (child_text(root, "b"), child_text(root, "c", "d"), attribute(root, "c", "x")) == ("", "d", "")
