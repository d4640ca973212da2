"""`provisioner events`: what happened, and with --follow what happens, a line each."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from provisioner.cli.api import Api, connect
from provisioner.cli.complete import installs
from provisioner.cli.output import clock, remark
from provisioner.core.errors import ProvisionerError, Unavailable

_PAGE = 1000
_SILENCE_SECONDS = 30.0  # the service says something twice as often, if only that it is there
_RETRY_SECONDS = 0.5
_LATEST = 50


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens, until Ctrl-C.")
@click.option(
    "--after", type=click.IntRange(0), metavar="ID", help="Only what came after the event of this id."
)
@click.option("--install", metavar="NAME", default="", shell_complete=installs, help="Only of one install.")
@click.option("-o", "--output", type=click.Choice(["line", "json"]), default="line", show_default=True)
def events(follow: bool, after: int | None, install: str, output: str) -> None:
    """Print what happened, oldest first: the last 50 events, or all after an id.

    With -o json an event is a line of JSON; its id, given to --after, goes on where that ended. --follow
    goes on by itself after the service was away, and misses nothing.
    """
    api = connect()
    only = str(api.get("installs", install)["id"]) if install else ""
    names = _Names(api)
    for event in _all(api, after, only, follow=follow):
        if output == "json":
            click.echo(json.dumps(event, ensure_ascii=False))
        else:
            click.echo(line(event, names.of(event)))


def line(event: Mapping[str, Any], who: str) -> str:
    """An event as a line, of the guest or machine of that name."""
    text = " ".join(str(event.get("text") or "").split())
    return f"{clock(event['at'])}  {who or '-':<12}  {event['kind']:<15}  {text}".rstrip()


def _all(api: Api, after: int | None, only: str, *, follow: bool) -> Iterator[Mapping[str, Any]]:
    known = {"install": only} if only else {}
    last = after or 0
    asked = known | ({"latest": str(_LATEST)} if after is None else {"after": str(last)})
    while True:
        page = api.get("events", **asked, **({} if after is None else {"limit": str(_PAGE)}))
        yield from page
        last = max([last, *(int(event["id"]) for event in page)])
        if after is None or len(page) < _PAGE:
            break
        asked = known | {"after": str(last)}
    if follow:
        yield from followed(api, last, only)


def followed(
    api: Api, last: int, only: str = "", *, tell: Callable[[str], None] = remark
) -> Iterator[Mapping[str, Any]]:
    """Every event after `last` as it comes, for ever; a service that is away is waited for, which is told."""
    away = False
    while True:
        reason = f"the service at {api.endpoint.url} does not answer"
        try:
            for frame in api.events(last, idle=_SILENCE_SECONDS):
                if away:
                    tell("the service is back")
                away, reason = False, ""
                if frame is None or frame.name != "event" or int(frame.data["id"]) <= last:
                    continue
                last = int(frame.data["id"])
                if not only or frame.data.get("install") == only:
                    yield frame.data
        except Unavailable as error:
            reason = str(error)
        if reason and not away:
            tell(f"{reason}; waiting for it")
            away = True
        time.sleep(_RETRY_SECONDS)


class _Names:
    """Guests' names by their installs, each asked for once."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[str, str] = {}

    def of(self, event: Mapping[str, Any]) -> str:
        install, machine = str(event.get("install") or ""), str(event.get("machine") or "")
        if install and install not in self._known:
            try:
                self._known |= {item["id"]: item["guest"] for item in self._api.get("installs", limit="1000")}
                self._known.setdefault(install, machine)
            except ProvisionerError:
                return machine
        return self._known.get(install, machine)
