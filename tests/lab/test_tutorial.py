"""The tutorial of docs/labs.md, command by command as it is written there, on real guests."""

import re
from pathlib import Path

import pytest

from tests.lab.lab_files import EXAMPLES, run
from tests.lab.networks import POOL
from tests.lab.service import Service

PAGE = EXAMPLES.parent / "labs.md"
FILE = "docs/examples/ten.yaml"
STEPS = [
    (f"provisioner plan {FILE}", 3, "11 to add"),
    (f"provisioner apply {FILE} --wait", 0, "11 done, 0 not"),
    (f"provisioner plan {FILE}", 0, "11 unchanged"),
    ("virsh setmaxmem node03 128M --config && virsh setmem node03 128M --config", 0, ""),
    (f"provisioner plan {FILE}", 3, "changed behind us"),
    (f"provisioner apply {FILE}", 0, "guest node03: changed"),
    (f"provisioner plan {FILE}", 3, "9 to change, 0 to replace, 1 unchanged, 1 would go with --prune"),
    (f"provisioner apply {FILE} --prune", 0, "guest node10: removed"),
    ("provisioner rebuild node{01..09} --wait", 0, "node09"),
    ("provisioner lab snapshot --lab ten", 0, "node09"),
    ("provisioner lab reset --lab ten --wait", 0, "node09"),
    (f"provisioner plan {FILE} --prune", 0, "10 unchanged"),
    ("provisioner install why node03", 0, "node03"),
]
"""Each command, how it ends, and words of what it says."""
CHANGED = 6
"""Before this one the file is changed, as the page tells it."""


def commands() -> list[str]:
    """Those of the tutorial, without what starts and checks the service, and without comments."""
    page = PAGE.read_text()
    tutorial = page.split("## A lab of ten in ten minutes")[1].split("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```$", tutorial, re.MULTILINE | re.DOTALL)
    shown = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [*shown, *re.findall(r"`(provisioner install why \S+)`", tutorial)]


@pytest.mark.timeout(3600)
def test_the_tutorial(nat: Service, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    assert commands() == [command for command, _, _ in STEPS]
    if not request.config.getoption("--every-cell"):
        pytest.skip("ten guests take their time where KVM is missing: make e2e-full installs them")
    file = tmp_path / "ten.yaml"
    text = here((EXAMPLES / "ten.yaml").read_text(), nat)
    nat.call("DELETE", "/images/tiny")
    file.write_text(text)

    for number, (command, code, words) in enumerate(STEPS):
        if number == CHANGED:
            file.write_text(text.replace("memory: 256", "memory: 384").replace("01..10", "01..09"))
        ended, said = run(command.replace(FILE, "FILE").replace("node", "plab-node"), file, nat)
        said = said.replace("plab-node", "node")
        assert (ended, words in said) == (code, True), f"{command}: {ended}\n{said}\n{nat.tail(20)}"

    assert sorted(guest["name"] for guest in nat.call("GET", "/guests")) == [
        f"plab-node0{n}" for n in range(1, 10)
    ]


def here(text: str, service: Service) -> str:
    """The example with this machine's network and pool, and names that are swept up after a run."""
    text = text.replace("node{", "plab-node{").replace("{size: 1}", f"{{size: 1, pool: {POOL}}}")
    return text.replace("    profile: tiny\n", f"    profile: tiny\n    networks: [{service.lan.nic}]\n")
