"""Boot files written into a network's XML and taken out again: all else stays as it was."""

from xml.etree import ElementTree

import pytest
from lxml import etree

from provisioner.core.errors import Conflict, Invalid
from provisioner.plan import bootfile
from tests.unit.plan.test_domain import schema

ROOT, SERVER = "http://10.7.0.1:8080", "10.7.0.1"
PLAIN = """<network>
  <name>lab</name>
  <uuid>806c5020-839b-49f3-ac8f-b4a9a9f00319</uuid>
  <metadata>
    <site:note xmlns:site="urn:example:site">kept &amp; well</site:note>
  </metadata>
  <forward mode="nat"/>
  <bridge name="virbr7" stp="on" delay="0"/>
  <ip address="10.7.0.1" netmask="255.255.255.0">
    <dhcp>
      <range start="10.7.0.2" end="10.7.0.99"/>
      <host mac="52:54:00:00:00:01" ip="10.7.0.9"/>
    </dhcp>
  </ip>
</network>
"""
OWN = PLAIN.replace("<network>", f'<network xmlns:dnsmasq="{bootfile.DNSMASQ}">').replace(
    "</network>",
    '<dnsmasq:options><dnsmasq:option value="log-dhcp"/></dnsmasq:options></network>',
)
BOOTP = PLAIN.replace("</dhcp>", '<bootp file="pxelinux.0"/></dhcp>')
QUIET = PLAIN.replace(PLAIN[PLAIN.index("    <dhcp>") : PLAIN.index("  </ip>")], "")


def same(one: str, other: str) -> bool:
    return ElementTree.canonicalize(one, strip_text=True) == ElementTree.canonicalize(other, strip_text=True)


@pytest.mark.parametrize("before", [PLAIN, OWN], ids=["plain", "with options of its own"])
@pytest.mark.parametrize("kind", ["options", "bootp"])
def test_what_is_written_fits_the_schema_and_is_taken_out_again(before: str, kind: str) -> None:
    if kind == "options":
        after = bootfile.with_options(before, bootfile.options(ROOT, SERVER))
    else:
        after = bootfile.with_bootp(before, ROOT)

    assert schema("network").validate(etree.fromstring(after)), schema("network").error_log
    assert f"{ROOT}/boot/ipxe" in after
    assert bootfile.holds_ours(after) and not bootfile.holds_ours(before)
    assert not same(before, after)
    assert same(before, bootfile.without(after))


def test_written_twice_is_written_once() -> None:
    once = bootfile.with_options(PLAIN, bootfile.options(ROOT, SERVER))

    assert bootfile.with_options(once, bootfile.options(ROOT, SERVER)) == once
    assert same(bootfile.without(bootfile.with_bootp(once, ROOT)), PLAIN)


def test_each_architecture_has_its_file() -> None:
    assert bootfile.options(ROOT, SERVER) == (
        "dhcp-match=set:pv-ipxe,175",
        "dhcp-match=set:pv-bios,option:client-arch,0",
        "dhcp-match=set:pv-uefi,option:client-arch,7",
        "dhcp-match=set:pv-uefi,option:client-arch,9",
        "dhcp-match=set:pv-uefi-http,option:client-arch,16",
        f"dhcp-boot=tag:pv-ipxe,{ROOT}/boot/ipxe",
        "dhcp-boot=tag:!pv-ipxe,tag:pv-bios,undionly.kpxe,,10.7.0.1",
        "dhcp-boot=tag:!pv-ipxe,tag:pv-uefi,snponly.efi,,10.7.0.1",
        f"dhcp-boot=tag:!pv-ipxe,tag:pv-uefi-http,{ROOT}/boot/snponly.efi",
        "dhcp-option-force=tag:pv-uefi-http,60,HTTPClient",
    )


@pytest.mark.parametrize("write", [bootfile.with_bootp, lambda xml, root: bootfile.with_options(xml, ())])
def test_a_boot_file_of_the_sites_own_is_not_overwritten(write: object) -> None:
    with pytest.raises(Conflict) as caught:
        write(BOOTP, ROOT)  # type: ignore[operator]

    assert str(caught.value) == "network lab names a boot file of its own already"
    assert bootfile.without(BOOTP).count("pxelinux.0") == 1


def test_where_no_addresses_are_given_no_file_can_be_named() -> None:
    with pytest.raises(Invalid, match="network lab has no DHCP server"):
        bootfile.with_bootp(QUIET, ROOT)
