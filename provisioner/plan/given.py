"""What a plan is made from beside spec and host: ids, secrets and what was found out about its media."""

from dataclasses import dataclass, field

from provisioner.core.errors import Invalid
from provisioner.core.guest import DiskFormat
from provisioner.core.host import HostFacts


@dataclass(frozen=True, slots=True)
class Seed:
    """A small volume that an installer or cloud-init looks for by its label; its files hold secrets."""

    label: str
    files: tuple[tuple[str, str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class DiskImage:
    """A disk image that was inspected: `size` are the bytes of the disk in it, `key` names its content.

    `ready` is the plain qcow2 or raw file of it, in `format`: the image itself, or one that is still to be
    made.
    """

    path: str
    ready: str
    format: DiskFormat
    size: int
    key: str


@dataclass(frozen=True, slots=True)
class Given:
    """`serial` is the SMBIOS serial, `log` the file that keeps the serial console.

    `volume` is the system disk's, `data_volumes` those of the further disks, "" for one that was there
    before. `arguments` are the installer's kernel arguments. `work` is the folder for files on their way
    to the host, `local` whether the host can read ours.
    """

    install: str
    serial: str
    log: str
    volume: str
    data_volumes: tuple[str, ...] = ()
    keep: bool = False
    """The system disk keeps what is on it, and may boot: an installer from the network comes first, once."""
    arguments: str = ""
    stub: str = ""
    """The URL of the boot script, for QEMU's user network, whose DHCP server is QEMU itself."""
    seed: Seed | None = None
    image: DiskImage | None = None
    files: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """What is added to the installer's initrd: (name, content in base64) each."""
    work: str = ""
    boot: str = ""
    """The folder of what GRUB and PXELINUX fetch by TFTP."""
    local: bool = True
    present: frozenset[str] = frozenset()
    """The names of the volumes that the system disk's pool has already."""
    log_port: str = ""
    """The file that keeps what the installer sends to its virtio log port; "" for one that has none.

    A file takes all that comes at any time: a guest waits before a socket until somebody reads there.
    """
    secrets: tuple[str, ...] = ()
    """Whatever must not be shown: the serial, tokens in arguments."""


@dataclass(frozen=True, slots=True)
class Cdrom:
    """A medium in a drive, by the path that the host knows; `boot` is its place in the order, 0: none."""

    path: str
    boot: int = 0
    device: bool = False
    """The host's own drive."""


@dataclass(frozen=True, slots=True)
class FirstStage:
    """What a guest is started with once: kernel, initrd and arguments, media in its drives, or the network
    before its disk.
    """

    kernel: str = ""
    initrd: str = ""
    arguments: str = ""
    cdroms: tuple[Cdrom, ...] = ()
    network: bool = False


def volume_path(host: HostFacts, pool: str, name: str) -> str:
    """Where the host has a volume. Raises Invalid for a pool whose volumes are no files."""
    folder = next((p.path for p in host.pools if p.name == pool), "").rstrip("/")
    if not folder or folder.startswith("/dev/"):
        raise Invalid(
            f"pool {pool} on {host.uri} keeps no files, which an installer's kernel and seed have to be",
            remedy="name a pool that is a directory: --disk size=…,pool=…",
        )
    return f"{folder}/{name}"
