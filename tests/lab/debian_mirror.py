"""Assembles a small Debian 13 mirror that the real debian-installer can install from.

    python tests/lab/debian_mirror.py OUT

For hosts whose package index lacks installer pieces (an ordinary Debian mirror needs none of this).
Everything comes from the mirror that apt on this host is configured for, through apt with a state folder of
its own, so nothing is changed on the host. What the index does not hold is rebuilt from the same version's
ordinary packages, and named in the last lines. Packages are stored uncompressed: an emulated guest unpacks
slowly.

Needs: apt-utils cpio xz-utils file.
"""

import argparse
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.lab.debian_apt import Apt, Stanza, archive, stanzas
from tests.lab.debian_udebs import closure, of_kernel, rebuild

SUITE = "trixie"
NETBOOT = "debian-installer-13-netboot-amd64"
IMAGES = f"dists/{SUITE}/main/installer-amd64/current/images/netboot/debian-installer/amd64"
# What an unattended network install loads beyond the netboot image.
COMPONENTS = (
    *("base-installer", "bootstrap-base", "partman-auto", "partman-base", "partman-basicfilesystems"),
    *("partman-ext3", "partman-partitioning", "partman-target", "disk-detect", "di-utils-mapdevfs"),
    *("user-setup-udeb", "clock-setup", "tzsetup-udeb", "apt-setup-udeb", "apt-mirror-setup"),
    *("pkgsel", "grub-installer", "finish-install"),
)
MODULES = ("ext4", "scsi", "ata")
# What a network-installed guest needs beyond the packages of priority "required".
IMPORTANT = (
    *("apt", "apt-utils", "debconf-i18n", "debian-archive-keyring", "ifupdown", "iproute2"),
    *("isc-dhcp-client", "init", "systemd-sysv", "udev", "kmod", "netbase", "procps", "adduser", "e2fsprogs"),
)
EXTRA = ("linux-image-cloud-amd64", "initramfs-tools", "zstd", "grub-pc", "busybox", "openssh-server")


def main() -> int:
    parser = argparse.ArgumentParser(description="assemble a small Debian 13 mirror for the debian-installer")
    parser.add_argument("out", type=Path)
    parser.add_argument("--extra", default="", help="further packages to hold, separated by spaces")
    options = parser.parse_args()
    missing = [tool for tool in ("apt-ftparchive", "cpio", "xz", "file") if not shutil.which(tool)]
    if missing:
        print(f"error: {', '.join(missing)} not found; apt install apt-utils cpio xz-utils file")
        return 1
    rebuilt = assemble(options.out.resolve(), options.extra.split())
    debs, udebs = (len(list(options.out.glob(f"pool/{kind}/*"))) for kind in ("main", "installer"))
    print(f"{options.out}: Debian 13, {debs} packages, {udebs} installer pieces")
    print(f"rebuilt because the index does not hold them: {', '.join(rebuilt) or 'none'}")
    return 0


def assemble(out: Path, extra: Sequence[str] = ()) -> list[str]:
    """Fills `out`; returns the installer pieces that had to be rebuilt, each with how (also in REBUILT)."""
    work = out / ".work"
    for folder in ("pool/main", "pool/installer", IMAGES):
        shutil.rmtree(out / folder, ignore_errors=True)
        (out / folder).mkdir(parents=True)
    apt = Apt(work / "apt", archive(), SUITE)
    apt.update()
    kernel = netboot(apt, work, out / IMAGES)
    rebuilt = installer_pieces(apt, work, out, kernel)
    packages(apt, work, out, extra)
    index(apt, out)
    (out / "REBUILT").write_text("".join(f"{piece}\n" for piece in rebuilt))
    return rebuilt


def assembled(cache: Path) -> Path:
    """The mirror in a folder of a cache, assembled where it is not there yet."""
    place = cache / "debian-mirror"
    if not (place / "REBUILT").is_file():
        assemble(place)
    return place


def netboot(apt: Apt, work: Path, target: Path) -> str:
    """The installer's kernel and initrd, unpacked from their package; returns the kernel's version."""
    files = apt.fetch(NETBOOT, work / "netboot")
    unpacked = work / "netboot" / "x"
    subprocess.run(["dpkg-deb", "-x", files, unpacked], check=True)
    (folder,) = unpacked.glob("usr/lib/debian-installer/images/*/amd64/text/debian-installer/amd64")
    for name in ("linux", "initrd.gz"):
        shutil.copyfile(folder / name, target / name)
    described = subprocess.run(
        ["file", "-b", target / "linux"], check=True, capture_output=True, text=True
    ).stdout
    return described.split("version ", 1)[1].split()[0]


def held_by_initrd(initrd: Path) -> str:
    """The dpkg status file inside an initrd."""
    with gzip.open(initrd) as stream:
        return subprocess.run(
            ["cpio", "-i", "--quiet", "--to-stdout", "var/lib/dpkg/status"],
            input=stream.read(),
            check=True,
            capture_output=True,
        ).stdout.decode()


def installer_pieces(apt: Apt, work: Path, out: Path, kernel: str) -> list[str]:
    """Puts every udeb that the installer will load into the pool; returns those that were rebuilt."""
    wanted = [*COMPONENTS, *(f"{name}-modules-{kernel}-di" for name in MODULES)]
    held = {row["Package"] for row in stanzas(held_by_initrd(out / IMAGES / "initrd.gz"))}
    rows, named = apt.pieces()
    if not named:
        print(
            f"note: {apt.mirror}: Release names another index of installer pieces; this one is used as it is"
        )
    rebuilt = []
    for row in closure(of_kernel(rows, kernel), held, kernel, wanted):
        name = row["Package"]
        target = out / "pool/installer" / plain(f"{name}_{row['Version']}_{row['Architecture']}.udeb")
        try:
            apt.fetch_piece(row, target)
        except LookupError:
            rebuilt.append(f"{name} ({rebuild(row, kernel, apt, work / 'rebuilt', target)})")
    return rebuilt


def packages(apt: Apt, work: Path, out: Path, extra: Sequence[str]) -> None:
    """Downloads the base system, the kernel and the boot loader, and stores them uncompressed."""
    required = [row["Package"] for row in apt.packages() if row.get("Priority") == "required"]
    for file in apt.download_closure([*required, *IMPORTANT, *EXTRA, *extra], work / "debs"):
        target = out / "pool/main" / plain(file.name)
        unpacked = work / "repack"
        shutil.rmtree(unpacked, ignore_errors=True)
        subprocess.run(["dpkg-deb", "-R", file, unpacked], check=True)
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Znone", "-b", unpacked, target],
            check=True,
            stdout=subprocess.DEVNULL,
        )


def plain(name: str) -> str:
    """A file name without its epoch: the installer's fetcher does not unquote `%3a`."""
    package, _, rest = name.partition("_")
    version, _, tail = rest.partition("_")
    return f"{package}_{version.replace('%3a', ':').rpartition(':')[2]}_{tail}"


def index(apt: Apt, out: Path) -> None:
    """Writes dists/: Packages of both kinds, and the Release files that the installer looks for."""
    section = out / f"dists/{SUITE}/main"
    write_index(section / "binary-amd64", (priced(row) for row in pool(out, "main")))
    write_index(section / "debian-installer/binary-amd64", pool(out, "installer"))
    head = "Archive: stable\nOrigin: Debian\nLabel: Debian\nComponent: main\nArchitecture: amd64\n"
    for folder in ("binary-amd64", "debian-installer/binary-amd64"):
        (section / folder / "Release").write_text(head)
    stable = out / "dists/stable"
    stable.unlink(missing_ok=True)
    stable.symlink_to(SUITE)
    fields = {
        "Origin": "Debian",
        "Label": "Debian",
        "Suite": "stable",
        "Codename": SUITE,
        "Architectures": "amd64",
        "Components": "main",
    }
    options = [f"-oAPT::FTPArchive::Release::{key}={value}" for key, value in fields.items()]
    release = subprocess.run(
        ["apt-ftparchive", *options, "release", f"dists/{SUITE}"], cwd=out, check=True, capture_output=True
    ).stdout
    (out / f"dists/{SUITE}/Release").write_bytes(release)


def pool(out: Path, kind: str) -> Iterable[Stanza]:
    """One stanza for each package file, with the place and the hash that an index has."""
    for file in sorted((out / "pool" / kind).iterdir()):
        text = subprocess.run(["dpkg-deb", "-f", file], check=True, capture_output=True, text=True).stdout
        (row,) = stanzas(text)
        data = file.read_bytes()
        yield row | {
            "Filename": str(file.relative_to(out)),
            "Size": str(len(data)),
            "MD5sum": hashlib.md5(data).hexdigest(),
            "SHA256": hashlib.sha256(data).hexdigest(),
        }


def priced(row: Stanza) -> Stanza:
    """The stanza with the priority that makes debootstrap take what we hold, and nothing else."""
    priority = row.get("Priority", "optional")
    if row["Package"] in IMPORTANT and priority != "required":
        priority = "important"
    elif priority == "important":
        priority = "optional"
    return row | {"Priority": priority}


def write_index(folder: Path, rows: Iterable[Stanza]) -> None:
    text = "".join("".join(f"{key}: {value}\n" for key, value in row.items()) + "\n" for row in rows)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Packages").write_text(text)
    (folder / "Packages.gz").write_bytes(gzip.compress(text.encode(), 1, mtime=0))


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C"
    sys.exit(main())
