"""The command line of a form, read back by the command itself."""

import shlex
from typing import Any

import pytest

from provisioner.cli.guest_create import create
from provisioner.cli.guest_options import body
from provisioner.web.schemas_guest import GuestForm
from provisioner.web.spelled import spelled

FORMS: list[dict[str, Any]] = [
    {"names": "web1", "profile": "debian12-image"},
    {"names": "web{01..10}", "profile": "p", "memory": 2048, "vcpus": 2, "disks": ["size=8,pool=fast"]},
    {"names": "a", "location": "https://mirror.test/debian dir", "extra_args": "quiet splash"},
    {"names": "a", "cdrom": "debian.iso", "boot": "uefi,secure=on", "graphics": "vnc", "osinfo": "debian12"},
    {"names": "a", "method": "import", "disks": ["image.qcow2,linked=on"], "cloud_init": {}, "start": "off"},
    {"names": "a", "method": "url", "profile": "p", "networks": ["bridge=br0", "user"], "rom": False},
    {"names": "a", "profile": "p", "variables": {"x": "12", "n": 12, "l": ["a", "b"], "q": "it's $HOME"}},
    {
        "names": "a",
        "profile": "p",
        "mac": "52:54:00:00:00:09",
        "loader": "grub",
        "connect": "qemu+ssh://h/system",
    },
    {"names": "a", "profile": "p", "cpu": "host-model", "autostart": True, "direct": True, "location": "t"},
]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: "-".join(form))
def test_the_command_asks_for_what_the_form_does(form: dict[str, Any]) -> None:
    words = shlex.split(spelled(form["names"], GuestForm.model_validate(form)))

    assert words[:3] == ["provisioner", "guest", "create"]
    options = create.make_context("create", words[3:]).params
    assert options["name"] == (form["names"],)
    assert body("a", options) == {name: value for name, value in form.items() if name != "names"}


def test_a_key_is_a_file_for_the_command_line() -> None:
    given = {"names": "a", "profile": "p", "ssh_keys": ["ssh-ed25519 AAAA me@here"]}
    form = GuestForm.model_validate(given)

    assert spelled("a", form).endswith("--ssh-key KEY.pub")
