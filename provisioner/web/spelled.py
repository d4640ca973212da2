"""A guest that is wished for, as the command line that asks for the same."""

import json
import shlex
import tomllib
from collections.abc import Iterator

from provisioner.web.schemas_guest import Wishes

_WORDS = (
    "profile",
    "location",
    "cdrom",
    "memory",
    "vcpus",
    "cpu",
    "osinfo",
    "mac",
    "uuid",
    "loader",
    "graphics",
    "extra_args",
)
_KEY_FILE = "KEY.pub"
"""The command line takes a key's file, and a form has only what is in it."""


def spelled(names: str, wishes: Wishes) -> str:
    """`provisioner guest create …`, quoted for a shell. What the command line cannot say is left out."""
    return shlex.join(["provisioner", "guest", "create", names or "NAME", *_options(wishes)])


def _options(wishes: Wishes) -> Iterator[str]:
    if wishes.method == "import":
        yield "--import"
    elif wishes.method and wishes.method != _implied(wishes):
        yield from ("--method", wishes.method)
    for name in _WORDS:
        if value := getattr(wishes, name):
            yield from (f"--{name.replace('_', '-')}", str(value))
    if wishes.direct:
        yield "--direct"
    for disk in wishes.disks:
        yield from ("--disk", disk)
    for network in wishes.networks:
        yield from ("--network", network)
    if wishes.boot != "bios":
        yield from ("--boot", wishes.boot)
    if not wishes.rom:
        yield "--no-rom"
    if wishes.cloud_init is not None:
        yield "--cloud-init"
    if wishes.start != "run":
        yield "--noreboot" if wishes.start == "off" else "--paused"
    if wishes.autostart:
        yield "--autostart"
    for _ in wishes.ssh_keys[:1]:
        yield from ("--ssh-key", _KEY_FILE)
    for name, variable in wishes.variables.items():
        yield from ("--var", f"{name}={_toml(variable)}")
    if wishes.connect:
        yield from ("--connect", wishes.connect)


def _implied(wishes: Wishes) -> str:
    return "url" if wishes.location else "iso" if wishes.cdrom else "pxe"


def _toml(value: object) -> str:
    """As `--var` reads it: a text that TOML would read as something else is quoted."""
    if not isinstance(value, str):
        return json.dumps(value)
    try:
        tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return value
    return json.dumps(value)
