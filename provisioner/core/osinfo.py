"""virt-install's `--osinfo`: what a guest runs, by the short name that osinfo-db has for it."""

import re

from provisioner.core.errors import Invalid
from provisioner.core.options import chosen, parse_suboptions

_NAME = re.compile(r"[a-z][a-z0-9.-]{0,62}")


def parse_osinfo(text: str) -> str:
    """The name that `--osinfo` gives, "" where it leaves the finding out to us. Raises Invalid."""
    keys = ("name", "short-id", "detect", "require")
    pairs = parse_suboptions(text, keys, "--osinfo", first="name")
    for key in ("detect", "require"):
        chosen(pairs, key, ("on", "off"), "--osinfo", "on")
    name = (pairs.get("name") or pairs.get("short-id") or "").lower()
    if name and not _NAME.fullmatch(name):
        raise Invalid(
            f"--osinfo {text!r}: {name[:63]!r} is no name of a system",
            remedy="write it as osinfo-query os has it: --osinfo debian12",
        )
    return name
