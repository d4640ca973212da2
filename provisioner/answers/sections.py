"""The sections of a kickstart by release. pykickstart knows them all, for every release.

`%onerror` by Red Hat's guides from Enterprise Linux 7 on; `%addon` by the add-on interface of Fedora 18;
`%certificate` by pykickstart's own note (Fedora 42).
"""

from collections.abc import Mapping

SINCE: Mapping[str, tuple[int, int]] = {
    "%packages": (0, 0),
    "%pre": (0, 0),
    "%post": (0, 0),
    "%traceback": (0, 0),
    "%addon": (7, 18),
    "%onerror": (7, 20),
    "%anaconda": (7, 22),
    "%pre-install": (7, 22),
    "%certificate": (10, 42),
}
"""The first release of Red Hat's numbers, and of Fedora's."""


def first_release(section: str, syntax: str) -> str:
    """ "" where the `syntax` (`RHEL7`, `F40`, `DEVEL`) has the section, else the first release that does."""
    red_hat, fedora = SINCE.get(section, (0, 0))
    name = syntax.rstrip("0123456789")
    number = int(syntax.removeprefix(name) or fedora)
    if name == "RHEL":
        return "" if number >= red_hat else f"Enterprise Linux {red_hat}"
    return "" if number >= fedora else f"Fedora {fedora}"
