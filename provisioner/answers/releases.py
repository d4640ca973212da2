"""Releases as people write them: `rhel9`, `centos7.6`, `debian12`, `ubuntu24.04`, `leap15.6`."""

import re
from collections.abc import Mapping

from provisioner.core.errors import Invalid
from provisioner.distros.base import major

_NAMES: Mapping[str, str] = {
    "rhel": "rhel",
    "el": "rhel",
    "centos": "rhel",
    "centos-stream": "rhel",
    "rocky": "rhel",
    "alma": "rhel",
    "almalinux": "rhel",
    "ol": "rhel",
    "oracle": "rhel",
    "fedora": "fedora",
    "debian": "debian",
    "ubuntu": "ubuntu",
    "leap": "suse",
    "opensuse": "suse",
    "sles": "suse",
    "sle": "suse",
}
"""Names, osinfo-db's among them, and the family that each belongs to."""
_AGAMA = 16
"""SUSE's releases from here on are installed by Agama."""
_RELEASE = re.compile(r"([a-z]+(?:-[a-z]+)?)-?([0-9]+(?:\.[0-9]+)*)")


def named_release(text: str) -> tuple[str, str]:
    """Family and release of a name; of a number alone the family is "". Raises Invalid."""
    if re.fullmatch(r"[0-9]+(\.[0-9]+)*", text) or not text:
        return "", text
    found = _RELEASE.fullmatch(text.lower())
    family = _NAMES.get(found[1], "") if found else ""
    if not found or not family:
        known = ", ".join(_NAMES)
        raise Invalid(f"release {text!r} is not known; write a name and a number: {known}, as in rhel9")
    if family == "suse" and major(found[2]) >= _AGAMA:
        family = "agama"
    return family, found[2]
