"""What the paths of real trees are to their installers."""

import pytest

from provisioner.distros.files import Role, role


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("LiveOS/squashfs.img", "stage2"),
        ("images/install.img", "stage2"),
        ("casper/ubuntu-server-minimal.squashfs", "stage2"),
        ("ubuntu-24.04.3-live-server-amd64.iso", "stage2"),
        ("boot/x86_64/root", "stage2"),
        (".treeinfo", "metadata"),
        ("BaseOS/repodata/repomd.xml", "metadata"),
        ("repodata/0a1b-primary.xml.gz", "metadata"),
        ("dists/bookworm/InRelease", "metadata"),
        ("dists/bookworm/main/binary-amd64/Packages.xz", "metadata"),
        ("dists/bookworm/main/binary-amd64/by-hash/SHA256/00ff", "metadata"),
        ("media.1/products", "metadata"),
        ("Packages/kernel-3.10.0-957.el7.x86_64.rpm", "package"),
        ("pool/main/b/bash/bash_5.2.15-2+b2_amd64.deb", "package"),
        ("pool/main/n/netcfg/netcfg_1.187_amd64.udeb", "package"),
        ("images/updates.img", "other"),
        ("EFI/BOOT/grub.cfg", "other"),
    ],
)
def test_roles(path: str, expected: Role) -> None:
    assert role(path) == expected
