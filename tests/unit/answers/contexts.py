"""One context for the tests of this room, and every combination of the options that change an answer file."""

from collections.abc import Iterator
from itertools import product
from typing import Any

from provisioner.answers.context import AnswerContext
from provisioner.answers.variables import Layer, checked, settle
from provisioner.distros.detect import family

ROOT = "http://192.168.122.1:8080"
HASH = "$6$rounds=5000$abcdefgh$" + "x" * 86
KEYS = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 ann@example", "ssh-rsa AAAAB3NzaC1yc2E bob's laptop")


def context(
    family_name: str, release: str, variables: dict[str, object] | None = None, **changed: Any
) -> AnswerContext:
    """What a guest's answers are rendered from; the variables as a profile has them."""
    settled = settle([Layer("profile p", variables or {})])
    values: dict[str, Any] = {
        "guest": "web1",
        "hostname": "web1",
        "mac": "52:54:00:aa:bb:cc",
        "uuid": "11111111-2222-4333-8444-555555555555",
        "install": "i0001",
        "root": ROOT,
        "tree_url": f"{ROOT}/tree/t1",
        "report_url": f"{ROOT}/report/{'R' * 43}",
        "image_url": f"{ROOT}/tree/images/tiny.tar.zst",
        "image_sha256": "ab" * 32,
        "release": release,
        "supports": family(family_name).supports(release),
        "variables": {name: row.value for name, row in settled.items()},
        **checked(settled),
    }
    return AnswerContext(**(values | changed))


OPTIONS: dict[str, tuple[Any, ...]] = {
    "root_password_hash": ("", HASH),
    "ssh_keys": ((), KEYS[:1], KEYS),
    "packages": ((), ("vim-enhanced", "tmux")),
    "guest": ("web1", ""),
}


def combinations(*names: str) -> Iterator[dict[str, Any]]:
    """Every combination of the values of the named options."""
    for values in product(*(OPTIONS[name] for name in names)):
        yield dict(zip(names, values, strict=True))
