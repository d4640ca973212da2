"""What a family of installers tells about itself. A family is a module that has these names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from provisioner.core.errors import Invalid
from provisioner.core.profile import Tree

Signs = tuple[str, ...]
"""Names of files in `signs/`: what an installer says when something is wrong, its own file first."""
Files = Mapping[str, bytes]
"""The small files of a tree that exist, by their path below its root."""
_LINES: Mapping[str, str] = {"aarch64": "ttyAMA0", "ppc64le": "hvc0"}
"""The serial line by processor, where it is not a PC's."""


def serial(arch: str = "x86_64") -> str:
    """The last console is the one that the installer and the installed system speak on: our log of it."""
    return f"console=tty0 console={_LINES.get(arch, 'ttyS0')},115200"


SERIAL = serial()


@dataclass(frozen=True, slots=True)
class TreeFacts:
    """What a tree's small files say; `kernel` and `initrd` are paths below its root, `arch` as `uname -m`.

    `parts` are further files without which no install of it comes far. `checksums` are what the tree says of
    its files, by their path: `sha256:` and the digest in hexadecimal. `remedy` is what to do where a file
    that is needed is missing.
    """

    family: str
    release: str
    kernel: str
    initrd: str
    arch: str = "x86_64"
    parts: tuple[str, ...] = ()
    checksums: Mapping[str, str] = field(default_factory=dict, compare=False)
    remedy: str = field(default="look whether the mirror is complete; installs need this file", compare=False)


@dataclass(frozen=True, slots=True)
class Needs:
    """What a release must be given: memory in MiB, disk in GiB.

    Below `least_memory` and `least_disk` no installation has a chance; `memory` and `disk` are what its
    maker asks for. By the network the installer itself lies in memory; `medium` is the least where it is on
    a drive.
    """

    least_memory: int
    least_disk: float
    memory: int = 0
    disk: float = 0
    medium: int = 0


@dataclass(frozen=True, slots=True)
class Boot:
    """One start of an installer: who it is, and where it finds what. `mac` is "" where any card will do.

    `tree_url` ends without a slash. `syslog` is host and port of our log listener, None where there is none.
    """

    tree_url: str
    answer_url: str
    hostname: str
    mac: str
    syslog: tuple[str, int] | None


class Family(Protocol):
    """A kind of installer. What differs between its releases is asked with the release."""

    @property
    def name(self) -> str: ...

    def answer_file(self, release: str) -> str:
        """The name that the release's answers go by. Its template is `<family>/<answer_file>.j2`."""
        ...

    def detect(self, files: Files, arch: str = "", release: str = "") -> TreeFacts | None:
        """The facts where the tree is of this family. Raises Invalid for one that is, but cannot be used.

        `arch` and `release` are what is wanted of a tree for several, "" for the commonest and the newest.
        """
        ...

    def layout(self, release: str, arch: str) -> TreeFacts:
        """Where a tree of the release has its files, for one that says nothing of itself. Raises Invalid."""
        ...

    def kernel_args(self, tree: Tree, boot: Boot) -> str:
        """The arguments that make the installer run by itself. Raises Invalid."""
        ...

    def loaders(self, tree: Tree) -> Mapping[str, str]:
        """The tree's own signed loaders, where it has them: the name each is asked by, and its path."""
        ...

    def attended_args(self, tree: Tree, tree_url: str) -> str:
        """The arguments without which an installer that nobody answers does not find its packages."""
        ...

    def supports(self, release: str) -> frozenset[str]:
        """Which of the things that differ between releases this one's answer file may use."""
        ...

    def syntax(self, release: str) -> str:
        """The name under which the answer file's parser knows the release, "" where it knows but one."""
        ...

    def needs(self, release: str) -> Needs:
        """What a guest must be given for it."""
        ...

    def signs(self) -> Signs:
        """Which files tell what in its log means that something is wrong."""
        ...

    def cpu_level(self, release: str) -> int:
        """The x86-64 level (1 to 4) that the release's programs are built for; 1 where that says nothing."""
        ...


def join(*words: str) -> str:
    """Kernel arguments as one line, empty ones left out. Raises Invalid for one that holds a line break."""
    for word in words:
        if any(character in word for character in "\r\n\0"):
            raise Invalid(f"kernel argument {word!r} holds a line break; kernel arguments are one line")
    return " ".join(word for word in words if word)


def major(release: str) -> int:
    """`7.6` gives 7, `rawhide` gives 0."""
    digits = release.split(".")[0]
    return int(digits) if digits.isdecimal() else 0
