"""Where the repositories of a tree lie, and how an installed system is told of them."""

import configparser
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from provisioner.core.profile import Tree
from provisioner.distros import debian, ubuntu
from provisioner.distros.anaconda import TREEINFO, described
from provisioner.distros.base import Files, major

Form = Literal["dnf", "apt", "zypper"]
FORMS: tuple[Form, ...] = get_args(Form)
BY_FAMILY: Mapping[str, Form] = {
    "rhel": "dnf",
    "fedora": "dnf",
    "image": "apt",
    "debian": "apt",
    "ubuntu": "apt",
    "suse": "zypper",
    "agama": "zypper",
}
_KEYRINGS = {
    "ubuntu": "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
    "debian": "/usr/share/keyrings/debian-archive-keyring.gpg",
}
_RPM_KEYS = "/etc/pki/rpm-gpg"
# Maker, as .treeinfo names it, to what its release package calls its key; the first row that fits counts.
_KEYS: tuple[tuple[str, int, str], ...] = (
    ("centos stream", 10, "RPM-GPG-KEY-centosofficial-SHA256"),
    ("centos", 10, "RPM-GPG-KEY-centosofficial-SHA256"),
    ("centos", 8, "RPM-GPG-KEY-centosofficial"),
    ("centos", 6, "RPM-GPG-KEY-CentOS-{major}"),
    ("rocky", 9, "RPM-GPG-KEY-Rocky-{major}"),
    ("rocky", 8, "RPM-GPG-KEY-rockyofficial"),
    ("alma", 9, "RPM-GPG-KEY-AlmaLinux-{major}"),
    ("alma", 8, "RPM-GPG-KEY-AlmaLinux"),
    ("red hat", 6, "RPM-GPG-KEY-redhat-release"),
    ("oracle", 6, "RPM-GPG-KEY-oracle"),
    ("fedora", 20, "RPM-GPG-KEY-fedora-{version}-{arch}"),
)
_CODENAMES = {"debian": debian.RELEASES, "ubuntu": ubuntu.BY_PRESEED}
_DISK_CODENAME = re.compile(r'"(\w+)')


@dataclass(frozen=True, slots=True)
class Suite:
    """Of a Debian archive: `components` as its Release names them, `signed` whether it has a signature.

    `stale` says that its Release is no more valid by its own word.
    """

    name: str
    components: str
    signed: bool = True
    stale: bool = False


def folders(files: Files) -> tuple[str, ...]:
    """Where repositories of RPMs may lie below a tree's root, "" for the root itself; none outside it."""
    found = {"": None, "BaseOS": None, "AppStream": None}
    text = next((files[path].decode("utf-8", "replace") for path in TREEINFO if path in files), "")
    ini = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        ini.read_string(text)
    except configparser.Error:
        return tuple(found)
    for section in ini.sections():
        if section.startswith("variant-"):
            for key in ("repository", "packages"):
                folder = ini[section].get(key, ".").strip("/").removeprefix("./").removesuffix("/repodata")
                if ".." not in folder.split("/") and folder != "Packages":
                    found[folder if folder != "." else ""] = None
    return tuple(found)


def suite_of(tree: Tree, files: Files) -> str:
    """The suite of a Debian archive that a tree is installed from, "" where that cannot be told."""
    found = re.match(r"dists/([^/]+)/", tree.kernel)
    if found:
        return found[1]
    for codename, release in _CODENAMES.get(tree.family, {}).items():
        if tree.release and release.split(".")[0] == tree.release.split(".")[0] and tree.family == "debian":
            return codename
    named = _DISK_CODENAME.search(files.get(".disk/info", b"").decode("utf-8", "replace"))
    return named[1].lower() if named else ""


def key_of(tree: Tree, files: Files) -> str:
    """The file of an installed system's own key for the packages of its maker, "" where that is not known."""
    said = described(files)
    maker = (said.name if said else "").lower() or ("fedora" if tree.family == "fedora" else "")
    number = major(tree.release)
    for name, since, file in _KEYS:
        if maker.startswith(name) and number >= since:
            return f"{_RPM_KEYS}/" + file.format(major=number, version=tree.release, arch="$basearch")
    return ""


def dnf(tree: Tree, url: str, parts: Sequence[str], key: str) -> str:
    """A .repo file for yum and dnf: a section for each folder of `parts` that has a repository."""
    lines = [f"# /etc/yum.repos.d/{tree.name}.repo"]
    if not key:
        lines.append("# Packages are checked with the keys that are imported already: rpm -q gpg-pubkey")
    for part in parts:
        lines += [
            f"[{'-'.join(filter(None, (tree.name, part.replace('/', '-').lower())))}]",
            f"name={' '.join(filter(None, (tree.name, part)))}",
            f"baseurl={'/'.join(filter(None, (url, part)))}/",
            "enabled=1",
            "gpgcheck=1",
            *([f"gpgkey=file://{key}"] if key else []),
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def zypper(tree: Tree, url: str, parts: Sequence[str], keyed: Sequence[str]) -> str:
    """A .repo file for zypper; `keyed` are the parts with a `repomd.xml.key` beside their metadata."""
    lines = [f"# /etc/zypp/repos.d/{tree.name}.repo"]
    for part in parts:
        place = "/".join(filter(None, (url, part)))
        lines += [
            f"[{'-'.join(filter(None, (tree.name, part.replace('/', '-').lower())))}]",
            f"name={' '.join(filter(None, (tree.name, part)))}",
            f"baseurl={place}/",
            "type=rpm-md",
            "enabled=1",
            "autorefresh=1",
            "gpgcheck=1",
            *([f"gpgkey={place}/repodata/repomd.xml.key"] if part in keyed else []),
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def apt(tree: Tree, url: str, suites: Sequence[Suite]) -> str:
    """A deb822 file for apt: a stanza for each kind of suite, by signature and components."""
    lines = [f"# /etc/apt/sources.list.d/{tree.name}.sources"]
    stanzas: dict[tuple[str, bool, bool], list[str]] = {}
    for suite in suites:
        stanzas.setdefault((suite.components, suite.signed, suite.stale), []).append(suite.name)
    for (components, signed, stale), names in stanzas.items():
        lines += [
            *([] if signed else ["# Nothing signs this: apt is told to take the packages as they are."]),
            "Types: deb",
            f"URIs: {url}",
            f"Suites: {' '.join(names)}",
            f"Components: {components}",
            f"Signed-By: {_KEYRINGS['ubuntu' if tree.family == 'ubuntu' else 'debian']}"
            if signed
            else "Trusted: yes",
            *(["Check-Valid-Until: no"] if stale else []),
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"
