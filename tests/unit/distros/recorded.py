"""Every recorded tree of tests/data/trees, and what it is."""

from provisioner.distros.base import TreeFacts

INSTALL, SQUASHFS = "images/install.img", "LiveOS/squashfs.img"


def anaconda(family: str, release: str, runtime: str = "", arch: str = "x86_64") -> TreeFacts:
    parts = (runtime,) if runtime else ()
    return TreeFacts(family, release, "images/pxeboot/vmlinuz", "images/pxeboot/initrd.img", arch, parts)


def installer(family: str, release: str, folder: str, arch: str = "x86_64") -> TreeFacts:
    return TreeFacts(family, release, f"{folder}/linux", f"{folder}/initrd.gz", arch)


TREES: dict[str, TreeFacts] = {
    "agama/leap-16.0": TreeFacts(
        "agama", "16.0", "boot/x86_64/loader/linux", "boot/x86_64/loader/initrd", parts=(SQUASHFS,)
    ),
    "agama/sles-16.0": TreeFacts(
        "agama", "16.0", "boot/x86_64/loader/linux", "boot/x86_64/loader/initrd", parts=(SQUASHFS,)
    ),
    "debian/10-dvd": installer("debian", "10", "install/netboot/debian-installer/amd64"),
    "debian/11-dvd-arm64": installer("debian", "11", "install/netboot/debian-installer/arm64", "aarch64"),
    "debian/12-netinst": installer("debian", "12", "install/netboot/debian-installer/amd64"),
    "debian/arm64-only": installer(
        "debian",
        "13",
        "dists/trixie/main/installer-arm64/current/images/netboot/debian-installer/arm64",
        "aarch64",
    ),
    "debian/bookworm-only": installer(
        "debian", "12", "dists/bookworm/main/installer-amd64/current/images/netboot/debian-installer/amd64"
    ),
    "debian/bullseye": installer(
        "debian", "11", "dists/bullseye/main/installer-amd64/current/images/netboot/debian-installer/amd64"
    ),
    "debian/buster": installer(
        "debian", "10", "dists/buster/main/installer-amd64/current/images/netboot/debian-installer/amd64"
    ),
    "debian/medium": installer("debian", "13", "install/netboot/debian-installer/amd64"),
    "debian/trixie": installer(
        "debian", "13", "dists/trixie/main/installer-amd64/current/images/netboot/debian-installer/amd64"
    ),
    "fedora/34-everything": anaconda("fedora", "34", INSTALL),
    "fedora/34-everything-arm64": anaconda("fedora", "34", INSTALL, "aarch64"),
    "fedora/34-server": anaconda("fedora", "34", INSTALL),
    "fedora/34-server-arm64": anaconda("fedora", "34", INSTALL, "aarch64"),
    "fedora/35-server": anaconda("fedora", "35", INSTALL),
    "fedora/37-server": anaconda("fedora", "37", INSTALL),
    "fedora/38-everything-arm64": anaconda("fedora", "38", INSTALL, "aarch64"),
    "fedora/39-server": anaconda("fedora", "39", INSTALL),
    "fedora/40": anaconda("fedora", "40", INSTALL),
    "fedora/40-everything-arm64": anaconda("fedora", "40", INSTALL, "aarch64"),
    "fedora/41-server": anaconda("fedora", "41", INSTALL),
    "fedora/42-everything": anaconda("fedora", "42", INSTALL),
    "fedora/42-everything-arm64": anaconda("fedora", "42", INSTALL, "aarch64"),
    "fedora/42-server": anaconda("fedora", "42", INSTALL),
    "fedora/42-server-arm64": anaconda("fedora", "42", INSTALL, "aarch64"),
    "fedora/rawhide": anaconda("fedora", "Rawhide", INSTALL),
    "image/mini": anaconda("image", "0.1"),
    "image/mini-arm64": anaconda("image", "0.1", "", "aarch64"),
    "rhel/7.6-discinfo": anaconda("rhel", "7.6"),
    "rhel/almalinux-10": anaconda("rhel", "10", INSTALL),
    "rhel/almalinux-10-v2": anaconda("rhel", "10", INSTALL),
    "rhel/almalinux-8": anaconda("rhel", "8", INSTALL),
    "rhel/almalinux-9.4": anaconda("rhel", "9.4", INSTALL),
    "rhel/almalinux-kitten-10": anaconda("rhel", "10", INSTALL),
    "rhel/centos-6.10": anaconda("rhel", "6.10"),
    "rhel/centos-7-arm64": anaconda("rhel", "7", SQUASHFS, "aarch64"),
    "rhel/centos-7.6.1810": anaconda("rhel", "7", SQUASHFS),
    "rhel/centos-8": anaconda("rhel", "8", INSTALL),
    "rhel/circle-8.4-arm64": anaconda("rhel", "8.4", INSTALL, "aarch64"),
    "rhel/eurolinux-8": anaconda("rhel", "8", INSTALL),
    "rhel/eurolinux-9": anaconda("rhel", "9", INSTALL),
    "rhel/oracle-6.10": anaconda("rhel", "6.10", INSTALL),
    "rhel/oracle-7.6-arm64": anaconda("rhel", "7.6", SQUASHFS, "aarch64"),
    "rhel/oracle-7.9": anaconda("rhel", "7.9", SQUASHFS),
    "rhel/oracle-8.8": anaconda("rhel", "8.8.0", INSTALL),
    "rhel/oracle-9.3-arm64": anaconda("rhel", "9.3.0", INSTALL, "aarch64"),
    "rhel/rhel-10.0": anaconda("rhel", "10.0", INSTALL),
    "rhel/rhel-6.10": anaconda("rhel", "6.10", INSTALL),
    "rhel/rhel-7.6": anaconda("rhel", "7.6", SQUASHFS),
    "rhel/rhel-8.10": anaconda("rhel", "8.10", INSTALL),
    "rhel/rhel-9.6": anaconda("rhel", "9.6", INSTALL),
    "rhel/rocky-10.0": anaconda("rhel", "10.0", INSTALL),
    "rhel/rocky-10.0-arm64": anaconda("rhel", "10.0", INSTALL, "aarch64"),
    "rhel/rocky-8-arm64": anaconda("rhel", "8", INSTALL, "aarch64"),
    "rhel/rocky-9.0": anaconda("rhel", "9.0", INSTALL),
    "rhel/scientific-6.10": anaconda("rhel", "6.10", INSTALL),
    "rhel/scientific-7-sparse": anaconda("rhel", "7.6"),
    "rhel/scientific-7.6": anaconda("rhel", "7.6", SQUASHFS),
    "rhel/stream-10": anaconda("rhel", "10", INSTALL),
    "rhel/stream-10-arm64": anaconda("rhel", "10", INSTALL, "aarch64"),
    "rhel/stream-8-arm64": anaconda("rhel", "8", INSTALL, "aarch64"),
    "rhel/stream-9": anaconda("rhel", "9", INSTALL),
    "rhel/stream-9-arm64": anaconda("rhel", "9", INSTALL, "aarch64"),
    "suse/leap-15.0": TreeFacts("suse", "15.0", "boot/x86_64/loader/linux", "boot/x86_64/loader/initrd"),
    "suse/leap-15.1": TreeFacts("suse", "15.1", "boot/x86_64/loader/linux", "boot/x86_64/loader/initrd"),
    "suse/leap-15.2": TreeFacts("suse", "15.2", "boot/x86_64/loader/linux", "boot/x86_64/loader/initrd"),
    "suse/leap-15.3": TreeFacts("suse", "15.3", "boot/x86_64/loader/linux", "boot/x86_64/loader/initrd"),
    "suse/leap-15.4": TreeFacts("suse", "15.4", "boot/x86_64/loader/linux", "boot/x86_64/loader/initrd"),
    "suse/leap-15.5": TreeFacts("suse", "15.5", "boot/x86_64/loader/linux", "boot/x86_64/loader/initrd"),
    "suse/leap-15.6": TreeFacts("suse", "15.6", "boot/x86_64/loader/linux", "boot/x86_64/loader/initrd"),
    "suse/leap-15.6-products": TreeFacts(
        "suse", "15.6", "boot/x86_64/loader/linux", "boot/x86_64/loader/initrd"
    ),
    "suse/leap-42.3": TreeFacts("suse", "42.3", "boot/x86_64/loader/linux", "boot/x86_64/loader/initrd"),
    "suse/sle-15.4": TreeFacts("suse", "15.4", "boot/x86_64/loader/linux", "boot/x86_64/loader/initrd"),
    "suse/sle-15.4-arm64": TreeFacts("suse", "15.4", "boot/aarch64/linux", "boot/aarch64/initrd", "aarch64"),
    "ubuntu/18.04-server": installer("ubuntu", "18.04", "install/netboot/ubuntu-installer/amd64"),
    "ubuntu/20.04-live": TreeFacts(
        "ubuntu", "20.04", "casper/vmlinuz", "casper/initrd", parts=("medium.iso",)
    ),
    "ubuntu/22.04-live": TreeFacts(
        "ubuntu", "22.04", "casper/vmlinuz", "casper/initrd", parts=("medium.iso",)
    ),
    "ubuntu/24.04-live": TreeFacts(
        "ubuntu", "24.04", "casper/vmlinuz", "casper/initrd", parts=("medium.iso",)
    ),
    "ubuntu/24.04-live-arm64": TreeFacts(
        "ubuntu", "24.04", "casper/vmlinuz", "casper/initrd", "aarch64", parts=("medium.iso",)
    ),
    "ubuntu/25.10-live": TreeFacts(
        "ubuntu", "25.10", "casper/vmlinuz", "casper/initrd", parts=("medium.iso",)
    ),
    "ubuntu/26.04-live-arm64": TreeFacts(
        "ubuntu", "26.04", "casper/vmlinuz", "casper/initrd", "aarch64", parts=("medium.iso",)
    ),
    "ubuntu/bionic": installer(
        "ubuntu", "18.04", "dists/bionic/main/installer-amd64/current/images/netboot/ubuntu-installer/amd64"
    ),
    "ubuntu/noble-releases": TreeFacts(
        "ubuntu",
        "24.04.4",
        "netboot/amd64/linux",
        "netboot/amd64/initrd",
        parts=("ubuntu-24.04.4-live-server-amd64.iso",),
    ),
}
REFUSED: dict[str, str] = {
    "debian/images-folder": (
        "this is a folder of installer images inside a Debian or Ubuntu mirror, without the packages"
    ),
    "foreign/centos-5.11": "release '5.11' cannot be installed: 6 is the first that can",
    "foreign/clearos-7.7": "no known installer: it calls itself ClearOS 7.7.2.280072, which no family is",
    "foreign/debian-8-s390x": "this is a Debian medium for s390x; known here are amd64, arm64",
    "foreign/fedora-33": "Fedora 33 cannot be installed: 34 is the first that can",
    "foreign/fedora-eln": "Fedora ELN cannot be installed: 34 is the first that can",
    "foreign/leap-16.0-repository": "this is the repository of release 16.0, without its installer",
    "foreign/mageia-8": "no known installer: found none of the files that an install tree has",
    "foreign/scientific-5.11": "release '511' is none of Red Hat's",
    "foreign/sles-11.4": "no known installer: found content",
    "foreign/tumbleweed": "this is openSUSE Tumbleweed, which has no releases; Leap and SLES have",
    "foreign/ubuntu": "no known installer: found dists/stable/Release",
    "foreign/ubuntu-desktop": "this is a desktop's medium of Ubuntu 24.04, which takes no answers",
    "foreign/ubuntu-s390x": "this is an Ubuntu medium for s390x; known here are amd64, arm64",
    "foreign/windows-11": "/foreign/windows-11 is a medium of Windows, which is not installed from a tree",
}
