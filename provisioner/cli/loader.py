"""`provisioner loader …`: the first programs that firmware is given."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from provisioner.cli.api import connect
from provisioner.cli.complete import firmwares, own_loaders
from provisioner.cli.output import Column, Format, Row, field, output_option, pairs, remark, rows, size


@click.group()
def loader() -> None:
    """First programs that firmware is given: iPXE, shim and GRUB, PXELINUX."""


@loader.command("list")
@output_option
def list_loaders(output: Format) -> None:
    """List the loaders: who signed them, what is missing, and the package that brings it."""
    columns = (
        field("name"),
        Column("FIRMWARE", lambda row: row["firmware"]),
        Column("SIZE", lambda row: size(row["size"]) if row["path"] else "", right=True),
        Column("SHA256", lambda row: row["sha256"][:12]),
        Column("SIGNED BY", lambda row: _issuers(row["signers"])),
        Column("SBAT", lambda row: _generations(row["sbat"])),
        Column("FILE", _file),
    )
    rows(connect().get("loaders"), columns, output, empty="no loaders are known")


@loader.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--firmware",
    required=True,
    metavar="FIRMWARE",
    shell_complete=firmwares,
    help="Whose machines fetch it: bios, uefi, uefi-arm64 …",
)
@click.option("--name", default="", help="The name they ask for; by default the file's name tells.")
@output_option
def add(file: Path, firmware: str, name: str, output: Format) -> None:
    """Take FILE in as a loader, which comes before the distribution's from now on."""
    from provisioner.cli.progress import sending
    from provisioner.core.loaders import machine_for, name_for

    name = name or name_for(file.name, firmware)
    machine_for(name, firmware)
    with sending(file, f"adding {file.name}") as body:
        added = connect().upload("loaders", name, body=body, firmware=firmware)
    _print(added, output)


@loader.command()
@click.argument("name", shell_complete=own_loaders)
def remove(name: str) -> None:
    """Remove a loader that was added; the distribution's takes its place."""
    connect().delete("loaders", name)
    remark(f"loader {name} is removed")


def _file(row: Row) -> str:
    """Where it is and who brought it, or what would."""
    note = f"; {row['note']}" if row["note"] else ""
    if not row["path"]:
        return f"missing{note}" + (f"; package {row['package']} brings it" if row["package"] else "")
    return f"{row['path']} ({'added' if row['own'] else row['package'] or 'found'}){note}"


def _issuers(signers: Sequence[dict[str, str]]) -> str:
    return " + ".join(signer["issuer"] or signer["subject"] for signer in signers)


def _generations(sbat: Sequence[dict[str, Any]]) -> str:
    """Every line but the first, which gives the format's own generation."""
    return " ".join(f"{row['component']},{row['generation']}" for row in sbat if row["component"] != "sbat")


def _print(row: Row, output: Format) -> None:
    fields = [
        ("name", row["name"]),
        ("firmware", row["firmware"]),
        ("file", row["path"]),
        ("made for", row["machine"]),
        ("size", size(row["size"])),
        ("sha256", row["sha256"]),
        (
            "signed by",
            "\n".join(f"{each['subject']} ({each['issuer']})" for each in row["signers"]) or "nobody",
        ),
        ("SBAT", _generations(row["sbat"])),
        ("trusts", row["trusts"]),
        ("note", row["note"]),
    ]
    pairs(row, fields, output)
