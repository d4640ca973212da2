"""Which differences of two domains' XML let the second go unchecked by libvirt's schema."""

import pytest

from provisioner.hypervisor.shapes import Shapes, shape

XML = """<domain type="qemu"><name>web1</name><uuid>00000000-0000-4000-8000-000000000001</uuid>
<memory unit="MiB">1024</memory><entry name="serial">aB-_9</entry>
<type machine="q35">hvm</type><disk type="file"><source file="/srv/web1-i1"/></disk>
<mac address="52:54:00:00:00:01"/><source network="default"/><model type="virtio"/></domain>"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (">web1<", ">web-2.example<"),
        ("000000000001<", "abcdefabcdef<"),
        (">1024<", ">512<"),
        ("aB-_9", "zz__--"),
        ("/srv/web1-i1", "/srv/x"),
        (":01", ":fe"),
        ('"default"', '"lab"'),
    ],
)
def test_what_only_names_a_guest_keeps_the_shape(old: str, new: str) -> None:
    assert old in XML
    assert shape(XML.replace(old, new)) == shape(XML)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('type="virtio"', 'type="e1000"'),
        ("q35", "pc"),
        ('"MiB"', '"GiB"'),
        ('unit="MiB"', ""),
        ("/srv/web1-i1", "/srv/deeper/x"),
        ("/srv/web1-i1", "/srv/two words"),
        (">web1<", ">web1&lt;<"),
        ("<mac ", "<macs "),
        ("hvm", "linux"),
        ('<disk type="file">', '<disk type="file" device="cdrom">'),
    ],
)
def test_everything_else_is_another_shape(old: str, new: str) -> None:
    assert old in XML
    assert shape(XML.replace(old, new)) != shape(XML)


def test_a_new_connection_knows_no_shape() -> None:
    shapes = Shapes()
    shapes.taken("a")
    assert shapes.known("a")

    shapes.forget()

    assert not shapes.known("a")
