"""A firewall's rules, as its own tools print them. What is missing or may not be read is empty."""

from provisioner.core.errors import Unavailable
from provisioner.core.segment import Firewall
from provisioner.segment.commands import find, run


def read(interface: str) -> Firewall:
    """All three, for guests on one interface."""
    zone = _said("firewall-cmd", f"--get-zone-of-interface={interface}").strip()
    if not zone and _said("firewall-cmd", "--state").strip() == "running":
        zone = _said("firewall-cmd", "--get-default-zone").strip()
    return Firewall(
        nft=_said("nft", "-j", "list", "ruleset"),
        iptables=_said("iptables", "-S"),
        zone=zone,
        zone_rules=_said("firewall-cmd", f"--zone={zone}", "--list-all") if zone else "",
    )


def _said(program: str, *arguments: str) -> str:
    if find(program) is None:
        return ""
    try:
        return run(program, *arguments, seconds=5)
    except Unavailable:
        return ""
