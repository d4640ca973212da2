"""The iPXE scripts whole, and the arguments that would break out of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.boot import script
from provisioner.boot.script import ScriptFacts
from provisioner.core.errors import Invalid

GOLDEN = Path(__file__).parents[2] / "data" / "boot"
ROOT = "http://192.168.122.1:8080"
FACTS = ScriptFacts(
    "k3v9",
    "web1",
    f"{ROOT}/tree/mini/images/pxeboot/vmlinuz",
    f"{ROOT}/tree/mini/images/pxeboot/initrd.img",
    f"inst.ks={ROOT}/answer/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/ks.cfg console=ttyS0",
)
SCRIPTS = {
    "stub": script.stub(ROOT),
    "medium": script.medium("web1", ROOT),
    "script": script.script(FACTS),
    "disk": script.disk("install k3v9 is installed"),
    "refused": script.refused("no machine here has the MAC address 52:54:00:12:34:56"),
}


@pytest.mark.parametrize(("name", "text"), SCRIPTS.items(), ids=SCRIPTS)
def test_golden(name: str, text: str) -> None:
    assert text == (GOLDEN / f"{name}.ipxe").read_text()


@pytest.mark.parametrize(
    "args",
    ["a\nboot", "a\rb", "a\0b", "a\x1bb", "quiet || shell", "quiet && shell", "|| shell", "x ${net0/mac}"],
)
def test_arguments_that_would_change_the_script_are_refused(args: str) -> None:
    with pytest.raises(Invalid):
        script.script(replace(FACTS, args=args))


@pytest.mark.parametrize("args", ["", "a=b||c", "url=http://x/?a=1&&b", "cost=$5", "quiet -- x"])
def test_arguments_that_only_look_like_it_pass(args: str) -> None:
    assert f" initrd=initrd.img {args}" in script.script(replace(FACTS, args=args))


def test_a_blank_in_a_url_is_refused() -> None:
    with pytest.raises(Invalid):
        script.script(replace(FACTS, kernel=f"{ROOT}/tree/my tree/vmlinuz"))


def test_a_reason_cannot_become_a_command() -> None:
    text = script.refused("evil\nshell || shell && ${net0/mac} \x1b[2J ü")

    echo = next(line for line in text.splitlines() if "evil" in line)
    assert echo == "echo provisioner: no script for this machine: evil shell   shell   $ {net0/mac}  [2J"
