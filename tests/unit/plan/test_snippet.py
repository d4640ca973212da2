"""The snippets for a site's own DHCP server, whole, and read by those servers where they are installed."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from provisioner.plan.snippet import SERVERS, Server, snippet

GOLDENS = Path(__file__).parents[2] / "data/snippets"
WHERE = "on libvirt network lab (bridge virbr7)"
PROGRAMS: dict[Server, tuple[str, ...]] = {
    "dnsmasq": ("dnsmasq", "--test", "-C"),
    "isc": ("dhcpd", "-t", "-4", "-cf"),
    "kea": ("kea-dhcp4", "-t"),
}


def made(server: Server, subnet: str = "10.7.0.1/24") -> str:
    return snippet(server, "10.7.0.1", 8080, WHERE, subnet)


@pytest.mark.parametrize("server", SERVERS)
def test_the_snippet_is_the_golden_one(server: Server) -> None:
    assert made(server) == (GOLDENS / f"{server}.txt").read_text()


def uncommented(server: Server, text: str) -> str:
    """The snippet with the line that it gives for a server without addresses there put into force."""
    match server:
        case "dnsmasq":
            return re.sub(r"# .*also needs: (dhcp-range.*)", r"\1", text)
        case "isc":
            return text.replace("# subnet ", "subnet ")
        case "kea":
            return text.replace('// "subnet4"', '"subnet4"')


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("whole", [False, True], ids=["the snippet", "with its subnet"])
def test_the_server_itself_reads_it(server: Server, whole: bool, tmp_path: Path) -> None:
    program, *words = PROGRAMS[server]
    path = shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        pytest.skip(f"{program} is not installed")
    text = made(server)
    file = tmp_path / "snippet.conf"
    file.write_text(uncommented(server, text) if whole else text)

    done = subprocess.run([path, *words, str(file)], capture_output=True, text=True, env={"LC_ALL": "C"})

    assert done.returncode == 0, done.stdout + done.stderr


def test_keas_is_json_but_for_its_comments() -> None:
    lines = [line for line in made("kea").splitlines() if not line.lstrip().startswith("//")]
    classes = json.loads("\n".join(lines))["Dhcp4"]["client-classes"]

    assert classes[0]["name"] == "provisioner-ipxe"
    assert {c["boot-file-name"] for c in classes} >= {"undionly.kpxe", "snponly.efi"}


@pytest.mark.parametrize("server", SERVERS)
def test_without_a_known_subnet_none_is_named(server: Server) -> None:
    assert "also needs" not in made(server, "")
