"""`provisioner doctor`: probes this host, prints the verdicts, and with --fix mends what is safe."""

import os
import shlex
import subprocess
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from provisioner.cli.errors import Told
from provisioner.cli.output import Format, document, output_option, remark

if TYPE_CHECKING:
    from provisioner.config import Settings
    from provisioner.service.doctor import Check

_COLOURS = {"PASS": "green", "WARN": "yellow", "FAIL": "red"}
# Starting libvirt reveals its networks and pools, whose own repairs come next.
_ROUNDS = 3


@click.command(short_help="Check every precondition, and mend what is safe to mend")
@click.option("--fix", is_flag=True, help="Run the commands that mend what is missing, where that is safe.")
@click.option("--quick", is_flag=True, help="Skip the KVM proof, which boots a kernel.")
@output_option
def doctor(fix: bool, quick: bool, output: Format) -> None:
    """Check every precondition of an installation on this host; exit code 1 where one FAILs.

    Needs no running service. What is not PASS is shown with the command that mends it.
    """
    from provisioner.cli.serve import load

    settings = load()
    checks = _examine(settings, quick=quick)
    for _ in range(_ROUNDS if fix else 0):
        todo = [check for check in checks if check.verdict != "PASS" and check.safe and check.commands]
        if not todo:
            break
        mended = [_mend(check) for check in todo]
        checks = _examine(settings, quick=quick)
        if not all(mended):
            break
    if output == "table":
        _print(checks)
    else:
        document(
            [{**asdict(check), "commands": list(map(shlex.join, check.commands))} for check in checks], output
        )
    if any(check.verdict == "FAIL" for check in checks):
        raise Told


def _examine(settings: "Settings", *, quick: bool) -> "list[Check]":
    from provisioner.cli.probes import probe
    from provisioner.service.doctor import examine

    return examine(probe(settings, prove=not quick, say=remark))


def _mend(check: "Check") -> bool:
    """Runs a check's commands; False once one fails, which is said."""
    for command in check.commands:
        click.echo(f"fix: {shlex.join(command)}", err=True)
        try:
            done = subprocess.run(command, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True)
        except FileNotFoundError:
            click.echo(f"error: {command[0]} is not installed", err=True)
            return False
        if done.returncode:
            words = (done.stderr or done.stdout).strip().splitlines() or [f"ended with {done.returncode}"]
            click.echo(f"error: {command[0]}: {words[-1]}", err=True)
            return False
    return True


def _print(checks: "list[Check]") -> None:
    width = max(len(check.name) for check in checks)
    for check in checks:
        verdict = click.style(check.verdict, fg=_COLOURS[check.verdict])
        click.echo(f"{verdict}  {check.name.ljust(width)}  {check.reason}")
        for number, command in enumerate(check.commands if check.verdict != "PASS" else ()):
            head = "fix:" if number == 0 else "    "
            click.echo(f"{' ' * (width + 8)}{click.style(head, dim=True)} {shlex.join(command)}")
    counts = {verdict: sum(check.verdict == verdict for check in checks) for verdict in _COLOURS}
    plural = "" if counts["WARN"] == 1 else "s"
    line = f"{counts['PASS']} passed, {counts['WARN']} warning{plural}, {counts['FAIL']} failed"
    mendable = any(check.verdict != "PASS" and check.safe and check.commands for check in checks)
    hint = "; provisioner doctor --fix mends what is safe" if mendable and "--fix" not in sys.argv else ""
    remark(f"\n{line}{hint}")
