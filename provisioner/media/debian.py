"""Debian 12 as a root file system: mmdebstrap from the host's own Debian source, then ext4.

What comes out is the ordinary system. `tune` is for guests under emulation only: fewer units, a short
initramfs, no mitigations, no drivers of real hardware; it is written into the image as TUNE=emulation.
"""

import asyncio
import os
import shlex
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from provisioner import resources
from provisioner.core.errors import Invalid, Unavailable
from provisioner.media import short
from provisioner.media.hosttools import environment, find, run
from provisioner.media.kernel import host_kernel

SUITE = "bookworm"
_WHY = "building the image debian12"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_PACKAGES = (
    "bash-completion", "ca-certificates", "dbus", "e2fsprogs", "grub2-common", "initramfs-tools",
    "iproute2", "iputils-ping", "kmod", "less",
    "libpam-systemd", "linux-image-cloud-amd64", "login", "netbase",
    "openssh-server", "passwd", "procps", "systemd-sysv", "tzdata", "udev", "vim-tiny", "wget", "zstd",
)  # fmt: skip
# What the ordinary system has beside them, and one that is tuned does without.
_ORDINARY = ("grub-pc-bin", "grub-efi-amd64-bin", "systemd-resolved", "systemd-timesyncd")
# Left out of a tuned image: fewer bytes to fetch, hash, unpack and write where each of them costs.
_DRIVERS = ("comedi", "hid", "infiniband", "md", "net/ethernet", "nvme", "staging", "target", "usb")
_FILE_SYSTEMS = ("afs", "btrfs", "ceph", "gfs2", "nfs", "nfsd", "ocfs2", "orangefs", "smb", "ubifs", "xfs")
_EXCLUDED = (
    *(f"/usr/share/{name}/*" for name in ("doc", "info", "locale", "man")),
    *(f"/lib/modules/*/kernel/drivers/{name}/*" for name in _DRIVERS),
    *(f"/lib/modules/*/kernel/fs/{name}/*" for name in _FILE_SYSTEMS),
    "/lib/udev/hwdb.d/*",
    *(
        f"/usr/bin/grub-{name}"
        for name in ("fstest", "mkimage", "mknetdir", "mkrescue", "mkstandalone", "mount")
    ),
)


def check_root() -> None:
    """Raises Unavailable where we are not root: packages are unpacked with their owners."""
    if os.geteuid() != 0:
        raise Unavailable(
            f"{_WHY} needs root: packages are unpacked with their owners",
            remedy="run the service as root, or build with sudo",
        )


def sources(mirror: str) -> list[str]:
    """Lines of sources.list for the image: from `mirror`, else from what the host's apt is configured with.

    Raises Invalid for a mirror that is no URL, Unavailable where the host is no Debian.
    """
    if mirror:
        if not mirror.startswith(("http://", "https://", "file:///", "copy:///")) or any(
            c.isspace() for c in mirror
        ):
            raise Invalid(f"--mirror {mirror!r} is not a URL; write http://HOST/debian")
        return [f"deb {mirror.rstrip('/')} {SUITE} main"]
    release = Path("/etc/os-release")
    if not release.is_file() or "ID=debian" not in release.read_text().split():
        raise Unavailable(
            "this host is no Debian, so its package manager knows no Debian source; image debian12 needs one",
            remedy="provisioner image build debian12 --mirror http://HOST/debian",
        )
    listed = run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI) $(RELEASE) $(COMPONENT)",
            "Created-By: Packages",
        ],
        _WHY,
    )
    return source_lines(listed.decode())


def source_lines(targets: str) -> list[str]:
    """The lines for our suite out of apt's index targets (`URI release component`)."""
    rows = [line.split() for line in targets.splitlines() if len(line.split()) == 3]
    named = [row for row in rows if row[1].split("/")[0].split("-")[0] == SUITE and row[2] == "main"]
    if not any(row[1] == SUITE for row in named):
        # A Debian of another release: the same archive holds ours too.
        archive = [row for row in rows if row[0].rstrip("/").endswith("/debian") and row[2] == "main"]
        named = [[archive[0][0], SUITE, "main"]] if archive else []
    if not named:
        raise Unavailable(
            f"the host's apt has no source for Debian {SUITE}",
            remedy="provisioner image build debian12 --mirror http://HOST/debian",
        )
    return list(dict.fromkeys(f"deb {uri.rstrip('/')} {release} main" for uri, release, _ in named))


def command(root: Path, lines: list[str], *, tune: bool) -> list[str]:
    """The argument list of mmdebstrap."""
    recipe = resources.root() / "templates/installer/debian"
    kind = "emulation" if tune else "ordinary"
    packages = _PACKAGES if tune else (*_PACKAGES, *_ORDINARY)
    excluded = _EXCLUDED if tune else ()
    hooks = ["customize.sh", *(["tune.sh"] if tune else [])]
    signed = (
        [line.replace("deb ", f"deb [signed-by={_KEYRING}] ", 1) for line in lines]
        if _KEYRING.is_file()
        else lines
    )
    return [
        "mmdebstrap",
        "--mode=root",
        "--variant=apt",
        "--format=directory",
        f"--include={','.join(packages)}",
        # A build that is cut off is thrown away: no package needs to wait for the disk.
        "--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt=path-exclude={path}" for path in excluded),
        '--aptopt=Apt::Install-Recommends "false"',
        # Merged from the first file on: nothing has to merge it later, and no perl comes for that.
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        f'--essential-hook=sh {shlex.quote(str(recipe / "essential.sh"))} "$1" {kind}',
        *(f'--customize-hook=sh {shlex.quote(str(recipe / hook))} "$1"' for hook in hooks),
        SUITE,
        str(root),
        *signed,
    ]


def alone() -> list[str | Path]:
    """Runs a command in namespaces of its own: its processes and what it mounts below the root end with it,
    and it ends with us, even if one of us is killed."""
    return [
        *(find("setpriv", _WHY), "--pdeathsig", "KILL"),
        *(find("unshare", _WHY), "--mount", "--propagation", "private"),
        *("--pid", "--fork", "--kill-child", "--mount-proc", "--"),
    ]


async def build(root: Path, lines: list[str], *, tune: bool) -> AsyncIterator[str]:
    """Makes the root below `root`; yields what mmdebstrap says. Raises Unavailable with its last error."""
    program, *arguments = command(root, lines, tune=tune)
    child = await asyncio.create_subprocess_exec(
        *alone(),
        find(program, _WHY),
        *arguments,
        env=environment(TMPDIR=str(root.parent)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    said = child.stdout or asyncio.StreamReader()
    fault = ""
    try:
        async for raw in said:
            line = raw.decode(errors="replace").strip()
            if line.startswith("E:"):
                fault = line
            if line.startswith(("I:", "E:")):
                yield line[2:].strip()
        code = await child.wait()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if code:
        raise Unavailable(f"{_WHY}: mmdebstrap ended with {code}: {fault or 'it said nothing'}")


def shorten(root: Path, cache: Path) -> None:
    """Gives the image's kernel the short initramfs; an upgrade of the kernel brings the ordinary one back."""
    kernel = host_kernel(root / "boot", root / "usr/lib/modules")
    shutil.copyfile(short.build(kernel, cache), root / f"boot/initrd.img-{kernel.version}")


def file_system(root: Path, image: Path) -> Path:
    """An ext4 image as small as its content, which the installer grows on the disk."""
    config = str(resources.root() / "templates/installer/mke2fs.conf")
    used = int(run(["du", "-s", "--block-size=1M", root], _WHY).split()[0])
    with image.open("wb") as made:
        made.truncate((used * 5 // 4 + 128) << 20)
    run(
        ["mke2fs", "-q", "-F", "-t", "ext4", "-L", "root", "-J", "size=16", "-m", "1",
         "-E", "lazy_itable_init=0,lazy_journal_init=0", "-d", root, image], _WHY, MKE2FS_CONFIG=config,
    )  # fmt: skip
    run(["resize2fs", "-M", image], _WHY)
    return image
