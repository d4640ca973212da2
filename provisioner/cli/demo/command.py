"""`provisioner demo`: from nothing to a guest that was logged into, and back to nothing."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click

from provisioner.cli.endpoint import DEMO_DIR


@click.command(short_help="Install one real Debian over PXE and log into it")
@click.option(
    "--installer",
    type=click.Choice(["image", "debian-installer"]),
    envvar="DEMO",
    help="What installs: the mini installer with a Debian image, or the real debian-installer. "
    "By default the first, and the second after it where KVM works.",
)
@click.option(
    "--mirror",
    envvar="DEMO_MIRROR",
    metavar="DIR|URL",
    help="Debian mirror for the debian-installer; the one that apt is configured for by default.",
)
@click.option("--state-dir", type=click.Path(path_type=Path, file_okay=False), default=DEMO_DIR, hidden=True)
@click.option("--keep", is_flag=True, help="Leave everything up even when it fails, to look at it.")
@click.option("--clean", is_flag=True, help="Remove all that a demo made, and do nothing else.")
def demo(installer: str | None, mirror: str | None, state_dir: Path, keep: bool, clean: bool) -> None:
    """Install one real Debian over PXE on this machine, log into it, and show how it came to be.

    The demo has a service, a libvirt network and a state directory of its own. Guest and service stay up
    for a look round; a second run starts anew, and --clean removes all.
    """
    from provisioner.cli.demo import clean as cleaning
    from provisioner.cli.demo.run import Demo, check_host
    from provisioner.cli.demo.site import Site, only_one

    site, uri = Site(state_dir.absolute()), os.environ.get("LIBVIRT_DEFAULT_URI", "qemu:///system")
    check_host(uri)
    if clean:
        removed: list[str] = []
        if site.state_dir.exists():
            with only_one(site):
                removed = cleaning.clean(site, uri, everything=True)
        click.echo(f"removed: {', '.join(removed)}" if removed else "there is nothing to remove")
        return
    with only_one(site), _interruptible():
        try:
            Demo(site, uri, installer=installer or "", mirror=mirror or "").run()
        except BaseException as error:
            if not keep:
                _tidy(site, uri, failed=isinstance(error, Exception))
            raise


def _tidy(site: Any, uri: str, *, failed: bool) -> None:
    """After a failure or Ctrl-C: nothing is left but the images, kept for the next time, and the logs."""
    from provisioner.cli.demo import clean as cleaning

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    click.echo("\ncleaning up …", err=True)
    removed = cleaning.clean(site, uri, everything=False)
    what = ", ".join(removed) or "nothing"
    kept = f"; the logs stay in {site.state_dir}" if failed else ""
    click.echo(f"removed: {what}{kept}", err=True)


@contextmanager
def _interruptible() -> Iterator[None]:
    """A closed terminal and a polite kill are an interruption like Ctrl-C."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
