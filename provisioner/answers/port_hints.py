"""What stands in the place of what a release of the installer no longer takes.

Sources: Red Hat's lists of changed kickstart commands ("Considerations in adopting RHEL 8", "… 9", "… 10"),
Anaconda's release notes, and pykickstart's own notes on its options.
"""

import re
from dataclasses import dataclass
from typing import Literal

Place = Literal["command", "packages", "script", "section"]


@dataclass(frozen=True, slots=True)
class Hint:
    """`pattern` is looked for in a line of that place. `red_hat` and `fedora` are the first releases that
    differ, 0 where all do.
    """

    pattern: re.Pattern[str]
    place: Place
    red_hat: int
    fedora: int
    text: str


def _hint(place: Place, pattern: str, red_hat: int, fedora: int, text: str) -> Hint:
    return Hint(re.compile(pattern), place, red_hat, fedora, text)


HINTS = (
    _hint("command", r"^install\b", 8, 29, "leave it out: url, nfs, cdrom or harddrive says what is meant"),
    _hint("command", r"^auth(config)?\b", 8, 28, "write authselect select sssd, or leave it out"),
    _hint("command", r"^keyboard\s+[^-\s]", 7, 18, "write keyboard --vckeymap=LAYOUT"),
    _hint("command", r"^timezone\b.*--isUtc\b", 9, 33, "write --utc"),
    _hint(
        "command", r"^timezone\b.*--ntpservers\b", 9, 33, "write timesource --ntp-server=HOST, a line each"
    ),
    _hint("command", r"^timezone\b.*--nontp\b", 9, 33, "write timesource --ntp-disable"),
    _hint("command", r"^zerombr\s+yes\b", 7, 9, "write zerombr alone"),
    _hint("command", r"^bootloader\b.*--upgrade\b", 8, 29, "leave --upgrade out: nothing is upgraded"),
    _hint("command", r"^upgrade\b", 8, 29, "leave it out: systems are upgraded by Leapp or dnf"),
    _hint(
        "command", r"^(btrfs\b|part\b.*--fstype=\"?btrfs)", 8, 0, "write xfs on LVM: EL has no Btrfs any more"
    ),
    _hint("command", r"^logging\b.*--level\b", 9, 34, "leave --level out: everything is logged"),
    _hint("command", r"^network\b.*--team(slaves|config)\b", 10, 40, "write --bondslaves= and --bondopts="),
    _hint("command", r"^autostep\b", 9, 34, "leave it out"),
    _hint(
        "command",
        r"^(device|deviceprobe)\b",
        9,
        34,
        "leave it out, or load a module by inst.dd on the kernel line",
    ),
    _hint("command", r"^(dmraid|multipath)\b", 9, 34, "leave it out: such devices are found by themselves"),
    _hint("command", r"^(interactive|langsupport|mouse|monitor|lilocheck|key)\b", 7, 18, "leave it out"),
    _hint("command", r"^vnc\b", 10, 43, "write rdp"),
    _hint("command", r"^module\b", 10, 41, "leave it out: there are no modules any more; name the packages"),
    _hint("command", r"^nvdimm\b", 10, 40, "leave it out: namespaces are used as ordinary disks"),
    _hint("command", r"^unsupported_hardware\b", 8, 29, "leave it out"),
    _hint("command", r"^ignoredisk\b.*--interactive\b", 9, 34, "write --only-use=DISK"),
    _hint("command", r"^method\b", 9, 34, "write url, nfs, cdrom or harddrive"),
    _hint(
        "command",
        r"^rootpw\b(?!.*--(lock|allow-ssh)\b)",
        9,
        0,
        "sshd lets root in by key alone now: add --allow-ssh where a password is meant",
    ),
    _hint("command", r"\b/?el[67]/|/centos/7/|/7/os/", 8, 0, "this address is the old release's tree"),
    _hint("section", r"^%packages\b.*--nobase\b", 8, 22, "leave --nobase out: only @core is added by itself"),
    _hint("section", r"^%packages\b.*--instLangs\b", 10, 40, "write --inst-langs"),
    _hint("section", r"^%packages\b.*--excludeWeakdeps\b", 10, 40, "write --exclude-weakdeps"),
    _hint("section", r"^%traceback\b", 9, 34, "write %onerror"),
    _hint("section", r"^%anaconda\b", 9, 34, "leave it out: pwpolicy is not read any more"),
    _hint(
        "section",
        r"--interpreter=/usr/bin/python\b(?!3)",
        8,
        30,
        "write /usr/libexec/platform-python or python3",
    ),
    _hint("packages", r"^@\^?minimal$", 8, 0, "the environment is called @^minimal-environment"),
    _hint("packages", r"^(ntp|ntpdate)$", 8, 0, "the package is gone: chrony does it"),
    _hint("packages", r"^python$", 8, 31, "the package is called python3"),
    _hint("packages", r"^python-", 8, 31, "packages of Python 2 are gone: python3-…"),
    _hint(
        "packages",
        r"^(authconfig|nss-pam-ldapd|pam_krb5)$",
        8,
        28,
        "the package is gone: authselect and sssd do it",
    ),
    _hint(
        "packages",
        r"^(dhcp-client|dhclient|dhcp-server|dhcp)$",
        10,
        0,
        "the package is gone: NetworkManager and kea",
    ),
    _hint("packages", r"^network-scripts$", 9, 0, "the package is gone: NetworkManager does it"),
    _hint(
        "script",
        r"/etc/sysconfig/network-scripts",
        10,
        0,
        "ifcfg files are not read any more: nmcli, or keyfiles",
    ),
    _hint("script", r"\bchkconfig\b", 8, 0, "write systemctl enable"),
    _hint("script", r"\bntpdate\b", 8, 0, "write chronyd -q"),
    _hint(
        "script", r"/usr/bin/python\b(?!3)|(?<![\w-])python2\b", 8, 31, "there is no Python 2: write python3"
    ),
    _hint("script", r"\bauthconfig\b", 8, 28, "write authselect"),
)
"""A hint alone, where the installer's parser says nothing, is a warning."""
