"""Releases as people write them: `rhel9`, `centos7.6`, `debian12`, `ubuntu24.04`, `leap15.6`."""

import re

from provisioner.core.errors import Invalid
from provisioner.distros.osinfo import MAKERS, system


def named_release(text: str) -> tuple[str, str]:
    """Family and release of a name; of a number alone the family is "". Raises Invalid."""
    if re.fullmatch(r"[0-9]+(\.[0-9]+)*", text) or not text:
        return "", text
    family, release = system(text.lower())
    if not family:
        known = ", ".join(MAKERS)
        raise Invalid(f"release {text!r} is not known; write a name and a number: {known}, as in rhel9")
    return family, release
