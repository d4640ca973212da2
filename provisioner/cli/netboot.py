"""`provisioner netboot …`: what goes over the wire, as it goes."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import click

from provisioner.cli.api import Api, connect
from provisioner.cli.complete import spoken_of
from provisioner.cli.netboot_record import record
from provisioner.cli.output import clock, remark
from provisioner.core.errors import Unavailable

_SILENCE_SECONDS = 30.0  # the service says something twice as often, if only that it is there
_OUTAGE_SECONDS = 60.0  # a service that is being restarted is waited for this long
_WORDS = (
    "dhcp.",
    "loader.",
    "script.",
    "kernel.",
    "initrd.",
    "answer.",
    "tree.failed",
    "local-boot",
    "machine.",
    "alarm",
)
"""How kinds of events begin that tell of a boot; what TFTP refuses is a line of its log."""


@click.group()
def netboot() -> None:
    """See what machines ask and what they are answered."""


netboot.add_command(record)


@netboot.command()
@click.argument("names", nargs=-1, metavar="[NAME|MAC]...", shell_complete=spoken_of)
@click.option("-o", "--output", type=click.Choice(["line", "json"]), default="line", show_default=True)
@click.option("--for", "seconds", type=click.FloatRange(min=0), help="End after so many seconds.")
def watch(names: tuple[str, ...], output: str, seconds: float | None) -> None:
    """Print each question and answer of a boot as it happens, until Ctrl-C.

    DHCP, TFTP, boot scripts, kernels and answer files of every machine, or of those named; also what goes
    wrong: other servers' boot files and who takes them, questions on port 4011 that nobody answers, loaders
    that Secure Boot seems to refuse, and questions on interfaces that are not served.
    """
    api = connect()
    wanted = {name.lower() for name in names}
    guests: dict[str, str] = {}
    end = time.monotonic() + seconds if seconds is not None else None
    remark("watching; Ctrl-C ends it")
    for event in _events(api, end):
        install = event.get("install") or ""
        if install and install not in guests:
            guests |= {item["id"]: item["guest"] for item in api.get("installs")}
        who = guests.get(install, "")
        if wanted and not wanted & {who.lower(), (event.get("machine") or "").lower()}:
            continue
        click.echo(json.dumps(event, ensure_ascii=False) if output == "json" else line(event, who))


def _events(api: Api, end: float | None) -> Iterator[Mapping[str, Any]]:
    """Those of a boot, from now on. Raises Unavailable once the service stays away."""
    last: int | None = None
    heard = time.monotonic()
    while end is None or time.monotonic() < end:
        try:
            for frame in api.events(last, idle=_SILENCE_SECONDS if end is None else 1.0):
                heard = time.monotonic()
                if frame is not None:
                    last = int(frame.id) if frame.id else last
                    if frame.name == "event" and of_a_boot(frame.data):
                        yield frame.data
                if end is not None and heard > end:
                    return
        except Unavailable:
            if time.monotonic() - heard > _OUTAGE_SECONDS:
                raise
        time.sleep(0.2)


def of_a_boot(event: Mapping[str, Any]) -> bool:
    """Whether an event is told by `watch`."""
    kind = str(event.get("kind", ""))
    return kind.startswith(_WORDS) or (kind == "log" and event.get("source") == "tftp")


def line(event: Mapping[str, Any], guest: str) -> str:
    """An event as `watch` prints it. `guest` is the name of the guest that it is of, "" for none."""
    interface = str((event.get("data") or {}).get("interface") or "-")
    who = event.get("machine") or (event.get("data") or {}).get("address") or "-"
    name = f" ({guest})" if guest else ""
    remedy = (event.get("data") or {}).get("remedy")
    text = f"{event.get('text', '')}; {remedy}" if remedy else event.get("text", "")
    return f"{clock(event['at'])}  {interface:<10}  {who}{name}  {event['kind']}: {text}"
