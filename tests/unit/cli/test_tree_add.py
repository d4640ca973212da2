"""What `tree add` asks for: a name and a source, or a source alone; a file that is here by its path."""

import os
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from provisioner.cli.tree import placed
from tests.unit.cli.conftest import Provisioner
from tests.unit.cli.fake import FakeService

T: dict[str, Any] = {"name": "rocky", "source": "/srv/rocky.iso", "family": "rhel", "release": "9.4"}
ASKED: dict[str, tuple[str, dict[str, str]]] = {
    "both": ("rocky /srv/rocky.iso", {"name": "rocky", "source": "/srv/rocky.iso"}),
    "a path alone": ("/srv/rocky.iso", {"name": "", "source": "/srv/rocky.iso"}),
    "a URL alone": ("http://m.example/9/os", {"name": "", "source": "http://m.example/9/os"}),
    "a medium alone": ("Rocky-9.iso", {"name": "", "source": "Rocky-9.iso"}),
    "a medium with a name": ("rocky Rocky-9.iso", {"name": "rocky", "source": "Rocky-9.iso"}),
    "a file that is here": ("here.iso", {"name": "", "source": "HERE/here.iso"}),
    "a folder that is here": ("rocky ./os", {"name": "rocky", "source": "HERE/os"}),
}


@pytest.mark.parametrize("case", ASKED)
def test_what_is_asked_for(
    service: FakeService,
    provisioner: Provisioner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: str,
) -> None:
    (tmp_path / "here.iso").touch()
    (tmp_path / "os").mkdir()
    monkeypatch.chdir(tmp_path)
    words, body = ASKED[case]
    service.replies = {"POST /trees": T}

    assert provisioner("tree", "add", *words.split()).code == 0
    assert service.asked[-1].body == {**body, "source": body["source"].replace("HERE", str(tmp_path))}


def test_a_service_elsewhere_does_not_have_this_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here.iso").touch()
    monkeypatch.chdir(tmp_path)

    assert placed("here.iso", "https://far.example:8081") == "here.iso"
    assert placed("here.iso", "http://127.0.0.1:8081") == os.path.realpath("here.iso")


def test_what_a_person_knows_of_a_tree_is_said(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"POST /trees": T}
    words = "tree add t http://m.example/debian --arch aarch64 --family debian --release 13 --verify"

    assert provisioner(*words.split()).code == 0
    assert service.asked[-1].body == {
        "name": "t",
        "source": "http://m.example/debian",
        "arch": "aarch64",
        "family": "debian",
        "release": "13",
        "verify": True,
    }


def test_mirrors_and_keys_are_given_or_taken_away(
    service: FakeService, provisioner: Provisioner, tmp_path: Path
) -> None:
    service.replies = {"POST /trees": {**T, "mirrors": ["http://a", "ftp://b:***@c"], "key": "x" * 2000}}
    ring, text = tmp_path / "ring.gpg", tmp_path / "key.asc"
    ring.write_bytes(b"\x99\x01" * 40)
    text.write_text("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")
    shown = provisioner("tree", "add", "t", "http://m", "--mirror", "http://a", "--mirror", "ftp://b:p@c")
    given = [service.asked[-1].body]
    for words in (("--key", str(ring)), ("--key", str(text)), ("--mirror", "", "--key", "/dev/null")):
        assert provisioner("tree", "add", "t", "http://m", *words).code == 0
        given.append(service.asked[-1].body)

    assert "mirrors  http://a\n         ftp://b:***@c\n" in shown.out
    assert "key      OpenPGP, 2.0 kB\n" in shown.out
    assert given[0] == {"name": "t", "source": "http://m", "mirrors": ["http://a", "ftp://b:p@c"]}
    assert given[1]["key"].splitlines()[2] == b64encode(ring.read_bytes()).decode()[:64]
    assert given[2]["key"] == text.read_text()
    assert (given[3]["mirrors"], given[3]["key"]) == ([], "")


EXPLAINED: dict[str, Any] = {
    "source": "http://m.example/os",
    "requests": 2,
    "probes": [
        {"asked": ".treeinfo", "found": "146 bytes", "says": "rhel 7.6 for x86_64"},
        {"asked": "images/pxeboot/vmlinuz", "found": "there", "says": ""},
    ],
    "family": "rhel",
    "release": "7.6",
    "arch": "x86_64",
    "kernel": "images/pxeboot/vmlinuz",
    "initrd": "images/pxeboot/initrd.img",
    "refusal": "",
    "remedy": "",
}
NOTHING = {
    **dict.fromkeys(("family", "release", "arch", "kernel", "initrd"), ""),
    "source": "http://m.example/os",
    "requests": 1,
    "probes": [{"asked": ".treeinfo", "found": "absent", "says": ""}],
    "refusal": "http://m.example/os: no known installer",
    "remedy": "give the tree's root",
}


def test_how_a_source_is_recognised(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"POST /trees/explain": EXPLAINED}
    result = provisioner("tree", "explain", "http://m.example/os")

    assert result.code == 0
    assert service.asked[-1].body == {"source": "http://m.example/os"}
    assert "ASKED                   FOUND      SAYS" in result.out
    assert ".treeinfo               146 bytes  rhel 7.6 for x86_64" in result.out
    assert "family   rhel\n" in result.out
    assert "refusal" not in result.out


def test_why_a_source_is_no_tree(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"POST /trees/explain": NOTHING}
    result = provisioner("tree", "explain", "http://m.example/os")

    assert result.code == 1
    assert "refusal  http://m.example/os: no known installer" in result.out
    assert "remedy   give the tree's root" in result.out
    assert provisioner("tree", "explain", "http://m.example/os", "-o", "json").code == 1
