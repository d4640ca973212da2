"""`provisioner netboot record`: a boot's conversation as text, from the wire of this machine."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from provisioner.cli.errors import say
from provisioner.cli.output import remark
from provisioner.core.errors import Unavailable


@click.command(short_help="Write down what one machine and its servers say, as a text")
@click.argument("interface")
@click.option("--mac", metavar="MAC", help="Whose conversation.  [default: the first that netboots]")
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=600,
    show_default=True,
    help="End after so many seconds.",
)
@click.option("--about", default="", metavar="TEXT", help="A line that says what is booted.")
@click.option(
    "-w",
    "--write",
    "file",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    default="-",
    help="File to write to.  [default: stdout]",
)
def record(interface: str, mac: str | None, seconds: float, about: str, file: Path) -> None:
    """Write down the DHCP, TFTP and HTTP of one machine's boot on INTERFACE, until Ctrl-C.

    INTERFACE is one of this machine, such as the guests' bridge. No service is needed; reading frames needs
    root. Files that are fetched are not kept, tokens are ***.

    \b
    provisioner netboot record virbr0 --mac 52:54:00:12:34:56 -w boot.txt
    """
    from provisioner.boot.conversation import text
    from provisioner.core.machine import normalise_mac
    from provisioner.netboot.overhear import frames
    from provisioner.netboot.transcript import Transcript

    transcript = Transcript(normalise_mac(mac) if mac else "")
    remark(f"listening on {interface}; Ctrl-C ends it")
    try:
        with _told_to_end() as ended:
            for now, frame in frames(interface, seconds, ended):
                packet = transcript.hear(frame, now)
                if packet is not None:
                    remark(f"{packet.at / 1000:8.3f}  {packet.sender}  {packet.protocol}  {packet.summary}")
                if transcript.full:
                    say("that is more than a boot says; ended")
                    break
    except Unavailable as error:  # the interface went: what was heard until then is worth keeping
        if not transcript.packets:
            raise
        say(str(error))
    if not transcript.packets:
        who = transcript.mac or "a machine that netboots"
        raise Unavailable(
            f"nothing was heard of {who} on {interface}",
            remedy="start the machine after this command, and name the interface that it is plugged into",
        )
    written = text(transcript.conversation(" ".join(about.split())))
    if str(file) == "-":
        click.echo(written, nl=False)
    else:
        file.write_text(written)


@contextmanager
def _told_to_end() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C or SIGTERM came: neither ends anything at once, so that nothing heard is lost."""
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _frame: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
