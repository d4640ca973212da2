"""How long a file is believed, by its name."""

import pytest

from provisioner.mirror.freshness import DAILY, FOREVER, SOON, believed

_HEX = "0f" * 32
NAMES = {
    "Packages/bash-4.2.46-31.el7.x86_64.rpm": FOREVER,
    "drpms/bash-4.2_4.3.x86_64.drpm": FOREVER,
    "pool/main/b/bash/bash_5.2-2_amd64.deb": FOREVER,
    "pool/main/b/busybox/busybox-udeb_1.35_amd64.udeb": FOREVER,
    "pool/main/b/bash/bash_5.2.dsc": FOREVER,
    f"dists/bookworm/main/binary-amd64/by-hash/SHA256/{_HEX}": FOREVER,
    f"repodata/{_HEX}-primary.xml.gz": FOREVER,
    f"BaseOS/repodata/gen-{_HEX}-other.sqlite.xz": FOREVER,
    "repodata/repomd.xml": SOON,
    "repodata/repomd.xml.asc": SOON,
    "repodata/primary.xml.gz": SOON,
    "dists/bookworm/InRelease": SOON,
    "dists/bookworm/Release.gpg": SOON,
    "dists/bookworm/main/binary-amd64/Packages.xz": SOON,
    "dists/bookworm/main/installer-amd64/current/images/SHA256SUMS": SOON,
    "Packages.gz": SOON,
    ".treeinfo": SOON,
    "os/treeinfo": SOON,
    "media.1/media": SOON,
    "CHECKSUMS": SOON,
    "CHECKSUMS.asc": SOON,
    "SHA256SUMS.gpg": SOON,
    "dists/bookworm/main/installer-amd64/current/images/netboot/debian-installer/amd64/linux": DAILY,
    "dists/bookworm/main/installer-amd64/current/images/netboot/debian-installer/amd64/initrd.gz": DAILY,
    "images/pxeboot/vmlinuz": DAILY,
    "LiveOS/squashfs.img": DAILY,
    "isolinux/isolinux.cfg": DAILY,
    "by-hash/readme": DAILY,
    "README.rpm.txt": DAILY,
}


@pytest.mark.parametrize("path", NAMES)
def test_a_name_tells_how_long_a_file_is_believed(path: str) -> None:
    assert believed(path) == NAMES[path]
