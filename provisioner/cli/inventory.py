"""Guests as an Ansible inventory: a YAML file as `ansible-inventory -i FILE --list` takes it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import click

from provisioner.cli.yaml import dump


def print_inventory(guests: Sequence[Mapping[str, Any]]) -> None:
    """Guests without a known address are left out, which is said on stderr."""
    reached = [guest for guest in guests if guest.get("address")]
    click.echo(dump(inventory(reached)), nl=False)
    for guest in guests:
        if not guest.get("address"):
            click.echo(f"warning: {guest['name']} is left out: no address of it is known", err=True)


def inventory(guests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Every guest once with its variables, and in a group for its profile and one for its host."""
    groups: dict[str, dict[str, Any]] = {}
    for guest in guests:
        for group in (f"profile_{guest['profile']}", f"host_{guest.get('host') or 'local'}"):
            groups.setdefault(_group(group), {"hosts": {}})["hosts"][guest["name"]] = {}
    hosts = {guest["name"]: _login(guest["address"]) for guest in guests}
    return {"all": {"hosts": hosts, "children": dict(sorted(groups.items()))}}


def _login(address: Mapping[str, Any]) -> dict[str, Any]:
    port = address.get("port", 22)
    return {
        "ansible_host": address["ip"],
        "ansible_user": "root",
        **({"ansible_port": port} if port != 22 else {}),
    }


def _group(text: str) -> str:
    """A name that Ansible takes for a group: letters, digits and underscores."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")
