"""What may be said of each kind of thing in a lab's file: the one table for reader, comparison and schema.

The names, types and defaults are those of the API's requests, which the items become.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from provisioner.core.firmware import DIALECTS
from provisioner.core.guest import METHODS
from provisioner.core.lab import LabKind
from provisioner.core.network import Mode
from provisioner.core.storage import PoolKind

Form = Literal["line", "text", "whole", "number", "truth", "lines", "options", "map"]
"""`options` is a list of virt-install's comma texts, or of maps of the same; `map` takes any names, or those
of `keys`."""
Changes = Literal["place", "rebuild", "anew", "once"]
"""What a field's change needs: nothing more; a rebuild by which it is taken up; the thing made anew. `once`:
it told how the thing was to be made, and is of no meaning afterwards."""


@dataclass(frozen=True, slots=True)
class Field:
    """`default` as the API has it, None and "" stand for what is chosen elsewhere. `least` and `most` bound a
    number, or a list's length. `keys` are the map's own, or the options'. `secret` is never shown.
    """

    name: str
    form: Form
    text: str
    changes: Changes = "anew"
    default: object = ""
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = 2000
    keys: tuple[str, ...] = ()
    secret: bool = False
    needed: bool = False


_ON = Field("on", "line", "Its host's name; left out: the local one")
_NEEDS = Field("needs", "lines", "Guests of this file that are made before it", "once", default=(), most=1000)
_DISK = ("size", "pool", "format", "bus", "path", "linked", "vol", "cache")
_CARD = ("network", "bridge", "type", "source", "source_mode", "mac", "model")
_CLOUD = ("user_data", "meta_data", "network_config")

_HOST = (
    Field("uri", "line", "libvirt URI, as qemu+ssh://root@HOST/system", "place", needed=True),
    Field(
        "allow_unsafe",
        "truth",
        "Accept a URI that is not encrypted or not verified",
        "place",
        default=False,
    ),
)
_NETWORK = (
    Field("mode", "line", "How its guests reach others", choices=get_args(Mode), default="nat"),
    Field("subnet", "line", "The guests' own, as 192.168.90.0/24; of nat, route and isolated"),
    Field("bridge", "line", "Its bridge's name; of mode bridge, the host's bridge"),
    Field("parents", "lines", "The host's devices", default=(), most=16),
    Field("dhcp", "truth", "Whether libvirt lends addresses there", default=True),
    Field("dhcp_range", "line", "FIRST,LAST; left out: all that is free"),
    Field("dhcp_hosts", "lines", "MAC,ADDRESS[,NAME] of each that is given its own", default=(), most=1000),
    Field("autostart", "truth", "Started with its host", "place", default=False),
    _ON,
)
_POOL = (
    Field("kind", "line", "What it is made of", choices=get_args(PoolKind), default="dir"),
    Field("path", "line", "Directory of a dir or netfs pool; made where it is missing"),
    Field("source", "line", "Volume group of a logical pool, exported directory of a netfs pool"),
    Field("host", "line", "Server of a netfs pool"),
    Field("autostart", "truth", "Started with its host", default=True),
    _ON,
)
_TREE = (
    Field("source", "line", "Directory, ISO file, or an http(s), ftp or nfs URL", "place", needed=True),
    Field("arch", "line", "Processor of a tree for several, as x86_64", "place"),
    Field("family", "line", "Of a tree that says nothing of itself", "place"),
    Field("release", "line", "Of a tree that says nothing of itself", "place"),
    Field("verify", "truth", "Read the files that it has checksums of", "once", default=False),
    Field("mirrors", "lines", "Further URLs of the same files", "place", default=None, most=32),
    Field("key", "text", "Armoured OpenPGP public keys that sign it", "place", default=None),
)
_IMAGE = (
    Field("tune", "truth", "For emulated guests: mitigations off, slow units masked", default=False),
    Field("mirror", "line", "Package mirror; left out: the host's own source", "once"),
)
_PROFILE = (
    Field("family", "line", "Family of installers", "place", needed=True),
    Field("tree", "line", "The tree that is installed from", "place", needed=True),
    Field("template", "text", "Its name, or with a line break itself; left out: the family's", "place"),
    Field("release", "line", "Release of the distribution", "place"),
    Field("kernel_args", "line", "Kernel arguments of the installer", "place"),
    Field("image", "line", "Image that the mini installer installs", "place"),
    Field("memory", "whole", "MiB of its guests", "place", default=1024, least=128, most=1 << 24),
    Field("vcpus", "whole", "Processors of its guests", "place", default=1, least=1, most=710),
    Field("disk", "number", "GiB of its guests' disk", "place", default=4, most=65536),
    Field("variables", "map", "Variables of its answer file", "place", default={}),
    Field("summary", "line", "What it is for", "place"),
)
_GUEST = (
    Field("profile", "line", "What is installed; its hardware is that of the profile"),
    Field("method", "line", "How its installer starts; follows from what is given", choices=("", *METHODS)),
    Field("memory", "whole", "MiB", "place", default=None, least=128, most=1 << 24),
    Field("vcpus", "whole", "Processors", "place", default=None, least=1, most=710),
    Field("cpu", "line", "libvirt CPU model, host-passthrough, host-model or maximum"),
    Field("osinfo", "line", "What it runs, where no tree tells: debian12, centos-stream9"),
    Field(
        "disks",
        "options",
        "size=4,pool=default (GiB), IMAGE,size=20,linked=on or vol=POOL/VOLUME",
        default=(),
        most=16,
        keys=_DISK,
    ),
    Field(
        "networks",
        "options",
        "network=NAME, bridge=NAME, type=direct,source=DEVICE or user; mac=, model=",
        default=(),
        most=8,
        keys=_CARD,
    ),
    Field("mac", "line", "Of the first card"),
    Field("uuid", "line", "Its UUID"),
    Field("boot", "line", "bios, uefi or uefi,secure=on", default="bios"),
    Field("loader", "line", "What the firmware is given first", choices=("", *DIALECTS)),
    Field("rom", "truth", "false: the firmware's own PXE client asks, not the card's iPXE", default=True),
    Field("graphics", "line", "Its screen", choices=("", "none", "vnc")),
    Field("location", "line", "Tree by name, URL, directory or ISO; its kernel is started directly"),
    Field("cdrom", "line", "ISO, or the host's drive, which is booted"),
    Field("direct", "truth", "Hand the tree's own URL to the installer", default=False),
    Field("files", "map", "Added to the initrd: name to base64", "rebuild", default={}, secret=True),
    Field(
        "cloud_init",
        "map",
        "A seed for cloud-init; {}: ours",
        "rebuild",
        default=None,
        keys=_CLOUD,
        secret=True,
    ),
    Field("extra_args", "line", "Appended to the kernel command line", "rebuild"),
    Field("autostart", "truth", "Started with its host", "place", default=False),
    Field(
        "start",
        "line",
        "Of an import, once it is made",
        "once",
        choices=("run", "paused", "off"),
        default="run",
    ),
    Field("ssh_keys", "lines", "Public keys that may log in as root", "rebuild", default=(), most=50),
    Field("root_password_hash", "line", "crypt(3) hash; left out: locked", "rebuild", secret=True),
    Field("variables", "map", "Of its answer file, above the profile's", "rebuild", default={}),
    _ON,
    _NEEDS,
)
_CLONE = (
    Field("clone", "line", "The guest that it is a clone of"),
    Field(
        "kind",
        "line",
        "linked: on a shared base; full: a copy that needs nothing else",
        choices=("linked", "full"),
        default="linked",
    ),
    Field("start", "line", "Once it is made", "once", choices=("off", "paused", "run"), default="off"),
    _NEEDS,
)

FIELDS: Mapping[LabKind, tuple[Field, ...]] = {
    "host": _HOST,
    "network": _NETWORK,
    "pool": _POOL,
    "tree": _TREE,
    "image": _IMAGE,
    "profile": _PROFILE,
    "guest": _GUEST,
}
CLONE = _CLONE
"""Of a guest that is a clone, in place of a guest's."""
SECTIONS: Mapping[str, LabKind] = {f"{kind}s": kind for kind in FIELDS}
"""The file's lists."""
ASIDE = ("on", "needs")
"""What the file says and no request holds."""


def fields_of(kind: LabKind, wanted: Mapping[str, object]) -> tuple[Field, ...]:
    """Those that such a thing may have."""
    return CLONE if kind == "guest" and "clone" in wanted else FIELDS[kind]
