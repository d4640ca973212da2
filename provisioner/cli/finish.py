"""How `guest create` and `guest rebuild` end: the install followed where asked to, the result printed."""

from typing import Any

import click

from provisioner.cli.output import Format, document, remark


def finish(api: Any, name: str, body: Any, *, wait: bool, output: Format) -> None:
    """After create and rebuild: follows the install where asked to, and prints the result."""
    install = body["install"]
    if wait:
        from provisioner.cli.watch import until_installed

        until_installed(api, install["id"])
    if output != "table":
        document(api.get("guests", name) if wait else body, output)
    elif wait:
        ip = (api.get("guests", name).get("address") or {}).get("ip")
        click.echo(f"{name}: installed" + (f", log in with: provisioner guest ssh {name}" if ip else ""))
    else:
        click.echo(f"{name}: install {install['id']} has begun")
        remark(f"follow it with: provisioner install wait {name}")
