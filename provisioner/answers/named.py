"""Which packages an answer file names, and which its installer adds by itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

from provisioner.answers.node import Node, Unreadable, read_json, read_yaml

_SECTION = re.compile(r"^%packages\b([^\n]*)\n(.*?)^%end", re.MULTILINE | re.DOTALL)
_INCLUDED = re.compile(
    r"^\s*\S+\s+(pkgsel/include|base-installer/includes|base-installer/kernel/image)\s+string\s+(.*)$",
    re.MULTILINE,
)
_TASKS = re.compile(r"^\s*\S+\s+tasksel/first\s+multiselect\s+(.*)$", re.MULTILINE)
_FIRMWARE = ("grub2-pc", "grub2-efi-x64", "grub2-efi-aa64", "shim-x64", "shim-aa64", "efibootmgr")
_ANACONDA = (
    *_FIRMWARE,
    *("kernel", "grub2", "grubby", "authselect", "authconfig", "firewalld", "chrony", "kexec-tools"),
    *("xfsprogs", "e2fsprogs", "dosfstools", "lvm2", "cryptsetup", "langpacks-en", "glibc-langpack-en"),
    *("dracut-config-rescue", "NetworkManager", "qemu-guest-agent", "yum", "dnf"),
)
_DEBIAN = (
    *("linux-image-amd64", "linux-image-arm64", "linux-image-generic", "grub-pc", "grub-efi-amd64"),
    *("grub-efi-arm64", "grub-efi-amd64-signed", "grub-efi-arm64-signed", "shim-signed", "efibootmgr"),
    *("initramfs-tools", "busybox", "console-setup", "keyboard-configuration", "locales", "os-prober"),
    *("tasksel", "eject", "zstd", "dosfstools", "lvm2", "cryptsetup-initramfs", "qemu-guest-agent"),
)
_SUSE = (
    *("kernel-default", "grub2", "grub2-i386-pc", "grub2-x86_64-efi", "grub2-arm64-efi", "shim"),
    *(
        "efibootmgr",
        "mokutil",
        "xfsprogs",
        "e2fsprogs",
        "btrfsprogs",
        "dosfstools",
        "wicked",
        "NetworkManager",
    ),
    *("zypper", "firewalld", "snapper", "glibc-locale", "chrony", "openSUSE-release", "dracut"),
)
_LEVELS = ("required", "important")


@dataclass(frozen=True, slots=True)
class Named:
    """`packages` and `groups` are asked for by name; `added` are those of the installer's own choosing, of
    which a release has some. `excluded` are not to be installed. `levels` are Debian's priorities.
    """

    packages: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    excluded: frozenset[str] = frozenset()
    levels: tuple[str, ...] = ()
    weak: bool = True
    """Whether what packages merely like to have comes too."""


def named(text: str, file: str) -> Named:
    """What the answer file `text`, called `file` (ks.cfg, preseed.cfg …), installs."""
    match file:
        case "ks.cfg":
            return _kickstart(text)
        case "preseed.cfg":
            return _preseed(text)
        case "user-data":
            return _autoinstall(text)
        case "autoinst.xml":
            return _autoyast(text)
        case "agama.json":
            return _agama(text)
        case _:
            return Named()


def _kickstart(text: str) -> Named:
    packages, groups, excluded = list[str](), list[str](), set[str]()
    options = ""
    for section in _SECTION.finditer(text):
        options += section[1].lower()
        for line in section[2].splitlines():
            word = line.split("#")[0].strip()
            if word.startswith("-"):
                excluded.add(word[1:].strip())
            elif word.startswith("@"):
                groups.append(word[1:].strip().split(" ")[0])
            elif word and not word.startswith("%"):
                packages.append(word)
    if "--nocore" not in options and "core" not in groups:
        groups.insert(0, "core")
    weak = "weakdeps" not in options
    return Named(tuple(packages), tuple(groups), _ANACONDA, frozenset(excluded), weak=weak)


def _preseed(text: str) -> Named:
    packages = [
        word for found in _INCLUDED.finditer(text) for word in re.split(r"[\s,]+", found[2].strip()) if word
    ]
    tasks = [
        task for found in _TASKS.finditer(text) for task in re.split(r"[\s,]+", found[1].strip()) if task
    ]
    levels = (*_LEVELS, *(["standard"] if "standard" in tasks else []))
    weak = not re.search(r"base-installer/install-recommends\s+boolean\s+false", text)
    packages += [f"task-{task}" for task in tasks if task != "standard"]
    return Named(tuple(packages), (), _DEBIAN, levels=levels, weak=weak)


def _autoinstall(text: str) -> Named:
    """The live server's installer brings its own system; what is named comes from the archive."""
    try:
        found = read_yaml(text)
    except Unreadable:
        return Named()
    inner = (found.get("autoinstall") or found) if found else None
    packages = _texts(inner.get("packages") if inner else None)
    return Named(tuple(packages), (), ("openssh-server", *_DEBIAN))


def _autoyast(text: str) -> Named:
    packages, patterns = (
        tuple(unescape(found) for found in re.findall(rf"<{tag}>\s*([^<]+?)\s*</{tag}>", text))
        for tag in ("package", "pattern")
    )
    return Named(packages, patterns, _SUSE)


def _agama(text: str) -> Named:
    try:
        software = read_json(text).get("software")
    except Unreadable:
        return Named()
    if software is None:
        return Named((), (), _SUSE)
    return Named(tuple(_texts(software.get("packages"))), tuple(_texts(software.get("patterns"))), _SUSE)


def _texts(node: Node | None) -> Iterator[str]:
    return (item.text for item in (node.items if node else ()) if item.text)
