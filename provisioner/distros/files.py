"""What a file of a tree is to an installer, by its path: its own system, a list of packages, a package."""

import re
from typing import Literal

Role = Literal["stage2", "metadata", "package", "other"]
"""`stage2` is the installer's own system, which it loads after kernel and initrd."""

_ROLES: tuple[tuple[Role, re.Pattern[str]], ...] = (
    ("package", re.compile(r"\.(rpm|drpm|deb|udeb)$")),
    (
        "stage2",
        re.compile(
            r"(^|/)(images/(install|stage2)\.img|LiveOS/[^/]+\.img|(casper|live)/[^/]+\.squashfs)$"
            r"|(^|/)boot/[^/]+/(root|common|config|bind|rescue)$"
            r"|\.iso$"
        ),
    ),
    (
        "metadata",
        re.compile(
            r"(^|/)(repodata|media\.\d+|suse/setup/descr)/"
            r"|(^|/)(\.?treeinfo|\.discinfo|content|CHECKSUMS(\.asc)?|SHA256SUMS(\.gpg)?)$"
            r"|(^|/)dists/.*/(InRelease|Release(\.gpg)?|(Packages|Sources|Translation-[^/]*|Contents-[^/]*)"
            r"(\.[a-z0-9]+)?)$"
            r"|(^|/)dists/.*/by-hash/"
        ),
    ),
)


def role(path: str) -> Role:
    """`path` below the tree's root."""
    return next((name for name, pattern in _ROLES if pattern.search(path)), "other")
