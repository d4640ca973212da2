"""The mirror by the command line and the true service: a signed tree kept, checked, mended, served alone."""

import json
import os
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from provisioner.cli.demo.site import Site
from provisioner.mirror.objects import Objects
from tests.edges.cli.conftest import Call
from tests.edges.mirror.origin import Beside, beside
from tests.edges.mirror.repositories import centos_tree, debian_repository
from tests.unit.mirror.signing import Signer

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the service opens raw sockets")
RPM = "Packages/p3-1-1.x86_64.rpm"


@dataclass
class Away:
    """A mirror that can go away. `url` is the tree's, `paths` what its metadata vouches for."""

    beside: Beside
    folder: Path
    paths: list[str]
    key: Path
    fingerprint: str

    @property
    def url(self) -> str:
        return f"{self.beside.origin.url}/el"


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Away]:
    root = tmp_path_factory.mktemp("origin")
    signer = Signer(tmp_path_factory.mktemp("gpg") / "home")
    try:
        paths = centos_tree(root / "el", signer)
        debian_repository(root / "deb", {"a_1_amd64.deb": b"a" * 100}, signer, suite="trixie")
        key = root / "key.asc"
        key.write_text(signer.public)
        with beside(root) as origin:
            yield Away(origin, root / "el", paths, key, signer.fingerprint)
    finally:
        signer.close()


@pytest.fixture
def tree(call: Call, away: Away) -> Iterator[str]:
    away.beside.stop()
    away.beside.start()
    added = call(f"tree add el {away.url} --key {away.key}")
    assert added.returncode == 0, added.stderr
    yield "el"
    call("mirror offline el off")
    assert call("tree remove el").returncode == 0


def status(call: Call, tree: str) -> dict[str, Any]:
    return dict(json.loads(call(f"mirror status {tree} -o json").stdout))


def kept(site: Site, away: Away, path: str) -> Path:
    """Where a file lies; the mirror keeps one for each state of its tree."""
    for found in Objects(site.state_dir / "mirror").walk(away.url):
        if found.known.path == path:
            return found.place
    raise AssertionError(f"{path} is not kept")


def spoil(place: Path) -> None:
    """One bit of its bytes, not of what stands behind them."""
    data = bytearray(place.read_bytes())
    data[100] ^= 1
    place.write_bytes(data)


def fetch(site: Site, path: str) -> bytes:
    import tomllib

    port = tomllib.loads(site.config.read_text())["http_port"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/tree/el/{path}", timeout=30) as answer:
        return bytes(answer.read())


def test_a_tree_is_planned_fetched_whole_and_served_without_its_mirror(
    site: Site, call: Call, away: Away, tree: str
) -> None:
    planned = json.loads(call("mirror sync el --full --dry-run -o json").stdout)
    first = json.loads(call("mirror sync el --full -y -o json").stdout)
    again = json.loads(call("mirror sync el --full -y -o json").stdout)
    asked = away.beside.origin.count(f"/el/{RPM}")

    assert planned["files"] >= len(away.paths) > planned["kept"]
    assert (first["failed"], first["problem"]) == (0, "")
    assert again["of_files"] < 10  # what has no digest in its name is asked for again
    assert asked == 1
    told = status(call, "el")
    assert told["verified"] >= len(away.paths)
    assert list(told["signed"]) == [away.fingerprint]
    away.beside.stop()
    assert call("mirror offline el").returncode == 0
    for path in away.paths:
        assert fetch(site, path) == (away.folder / path).read_bytes()
    assert status(call, "el")["offline"] is True
    assert call("mirror sync el -y").stderr.startswith("error: tree el is offline")


def test_without_more_a_sync_fetches_what_an_installer_reads_first(call: Call, away: Away, tree: str) -> None:
    synced = call("mirror sync el -y")

    assert synced.returncode == 0 and synced.stdout.startswith("tree el: ")
    assert away.beside.origin.count("/el/images/pxeboot/initrd.img") >= 1
    assert status(call, "el")["files"] < 15
    assert call("mirror sync el --full --dry-run").stdout.startswith("Sync of tree el: ")


def test_the_packages_of_a_profile_and_a_sync_that_goes_on_by_itself(
    call: Call, away: Away, tree: str
) -> None:
    planned = json.loads(call("mirror sync el --packages-of centos7 --dry-run -o json").stdout)
    begun = call("mirror sync el --full -y --wait none")
    for _ in range(100):
        told = status(call, "el")
        if told["sync"] is None and told["files"] >= len(away.paths):
            break

    assert "@core" in planned["unresolved"]  # this tree has packages and no groups
    assert (begun.returncode, begun.stdout) == (0, "")
    assert told["files"] >= len(away.paths)
    assert call("mirror sync el --packages-of debian13 -y").stderr.startswith(
        "error: profile debian13 is for"
    )


def test_a_flipped_bit_is_found_and_fetched_again(site: Site, call: Call, away: Away, tree: str) -> None:
    assert call("mirror sync el --full -y").returncode == 0
    sound = call("mirror verify el")
    spoil(kept(site, away, RPM))
    broken = call("mirror verify")
    mended = json.loads(call("mirror repair el -o json").stdout)
    after = call("mirror verify el")

    assert sound.returncode == 0 and " 0 broken" in sound.stdout
    assert broken.returncode == 1
    assert broken.stdout.startswith(f"broken  {away.url}/{RPM}: ") and " 1 broken" in broken.stdout
    assert (mended["broken"], mended["mended"], mended["lost"]) == (1, 1, 0)
    assert after.returncode == 0
    assert fetch(site, RPM) == (away.folder / RPM).read_bytes()
    spoil(kept(site, away, RPM))
    away.beside.stop()
    lost = call("mirror repair el")
    assert lost.returncode == 1 and "1 dropped and not to be had now" in lost.stdout


def test_switches_quota_and_what_is_removed(call: Call, away: Away, tree: str) -> None:
    assert call("mirror sync el -y").returncode == 0
    for words in ("pin el", "quota el 40G", "offline --all"):
        assert call(f"mirror {words}").returncode == 0
    shown, every = call("mirror status el").stdout, call("mirror status")
    assert "offline, pinned" in shown and "quota     42.9 GB" in shown
    assert every.stdout.endswith("every tree is offline: provisioner mirror offline --all off\n")
    for words in ("unpin el", "quota el none", "offline --all off"):
        assert call(f"mirror {words}").returncode == 0
    assert (status(call, "el")["pinned"], status(call, "el")["quota"]) == (False, 0)
    assert call("mirror clean el --older-than 1h -y").stdout.startswith("0 files of tree el are removed")
    assert call("mirror drop el").stderr.startswith("error: This removes all that is kept of tree el: ")
    assert call("mirror drop el -y").stdout.endswith("B\n")
    assert status(call, "el")["files"] == 0


def test_a_repository_for_an_installed_system(call: Call, away: Away, tree: str) -> None:
    for format_, words in (
        ("", "gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-7"),
        ("zypper", "type=rpm-md"),
    ):
        printed = call(f"mirror snippet el --address 192.0.2.1 {'--format ' + format_ if format_ else ''}")
        assert printed.returncode == 0 and words in printed.stdout
        assert "baseurl=http://192.0.2.1:" in printed.stdout and "gpgcheck=1" in printed.stdout
    assert call("mirror snippet el --format apt").stderr.startswith("error: tree el has no archive of Debian")


SENTENCES = {
    "mirror status nobody": "no tree is called 'nobody'",
    "mirror sync here -y": "nothing of it needs to be kept",
    "mirror pin here": "nothing of it needs to be kept",
    "mirror verify nobody": "no tree is called 'nobody'",
    "mirror stop here": "tree here is not being synced",
    "mirror drop nobody -y": "no tree is called 'nobody'",
    "mirror snippet nobody": "no tree is called 'nobody'",
}


@pytest.mark.parametrize("words", SENTENCES)
def test_what_is_wrong_is_one_sentence(call: Call, away: Away, words: str) -> None:
    assert call(f"tree add here {away.folder}").returncode == 0
    ran = call(words)

    first, *rest = ran.stderr.splitlines()
    assert (ran.returncode, ran.stdout) == (1, "")
    assert first.startswith("error: ") and SENTENCES[words] in first
    assert all(line.startswith("remedy: ") for line in rest) and len(rest) <= 1
