"""The shell's completion knows the names of things, and is silent where nobody answers."""

from typing import Any

import click
import pytest
from click.shell_completion import ShellComplete

from provisioner.cli.root import cli
from tests.unit.cli.fake import FakeService

REPLIES: dict[str, Any] = {
    "GET /guests": [{"name": "web1"}, {"name": "web2"}],
    "GET /machines": [{"name": "rack-7"}],
    "GET /installs": [{"guest": "web1", "id": "0f3c"}, {"guest": "web1", "id": "0a11"}],
    "GET /profiles": [{"name": "debian13"}],
    "GET /trees": [{"name": "centos7.6"}],
    "GET /images": [{"name": "debian12"}],
    "GET /hosts": [{"name": "local"}, {"name": "rack1"}],
    "GET /pools": [{"name": "default"}],
    "GET /pools/default/volumes": [{"name": "web1.qcow2"}],
    "GET /networks": [{"name": "lab", "bridge": "virbr9"}],
    "GET /loaders": [{"name": "mine", "own": True}, {"name": "snponly.efi", "own": False}],
}
COMPLETED = {
    "guest show w": ["web1", "web2"],
    "guest rebuild web": ["web1", "web2"],
    "rebuild web1 w": ["web1", "web2"],
    "install why ": ["web1"],
    "install budget 0": ["0f3c", "0a11"],
    "events --install w": ["web1"],
    "profile pace d": ["debian13"],
    "profile edit debian13 --tree c": ["centos7.6"],
    "profile edit debian13 --image ": ["debian12"],
    "tree show ": ["centos7.6"],
    "image remove ": ["debian12"],
    "network show l": ["lab"],
    "guest create x --network n": ["network=lab"],
    "guest create x --network bridge=": ["bridge=virbr9"],
    "guest create x --connect r": ["rack1"],
    "pool show ": ["default"],
    "volume show default w": ["web1.qcow2"],
    "host show r": ["rack1"],
    "machine show ": ["rack-7"],
    "netboot watch ": ["web1", "web2", "rack-7"],
    "loader remove ": ["mine"],
}


def completed(line: str) -> list[str]:
    *words, last = line.split(" ")
    found = ShellComplete(cli, {}, "provisioner", "_PROVISIONER_COMPLETE").get_completions(words, last)
    return [one.value for one in found]


@pytest.mark.parametrize(("line", "names"), COMPLETED.items())
def test_names_are_completed(service: FakeService, line: str, names: list[str]) -> None:
    service.replies = dict(REPLIES)

    assert completed(line) == names


def test_where_nobody_answers_nothing_is_completed(service: FakeService) -> None:
    assert completed("guest show w") == []
    assert completed("guest create x --network n") == []


def test_every_name_of_a_thing_that_exists_is_completed() -> None:
    """An argument called after a noun names one that is there, but where it makes one."""
    makes = {"add", "create", "build"}
    bare = [
        (noun, verb, parameter.name)
        for noun, group in ((name, cli.get_command(click.Context(cli), name)) for name in cli.entries)
        if isinstance(group, click.Group)
        for verb, command in group.commands.items()
        for parameter in command.params
        if isinstance(parameter, click.Argument)
        and parameter.name in ("name", "ref", "pool", "tree", "source", "place")
        and parameter._custom_shell_complete is None
        and verb not in makes
    ]

    assert bare == [("tree", "explain", "source")]
