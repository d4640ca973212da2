"""What the demo removes, and what stops it: a file system that is mounted below."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.cli.demo.clean import _remove, clean
from provisioner.cli.demo.site import Site
from provisioner.core.errors import Conflict

TEST_DRIVER = "test:///default"


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "demo" / "images" / ".debian12-x" / "dev"
    place.mkdir(parents=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("nothing can be mounted here")
    (place / "null").touch()
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_mounted_file_system_is_never_emptied(mounted: Path, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="is mounted below") as raised:
        _remove(tmp_path / "demo")

    assert (mounted / "null").exists()
    assert raised.value.remedy == f"umount {mounted}, then try again"


def test_keys_and_cut_off_builds_go_and_images_stay(tmp_path: Path) -> None:
    site = Site(tmp_path / "demo")
    for name in ("images/.debian12-x/root", "ssh", "logs"):
        (site.state_dir / name).mkdir(parents=True)
    (site.state_dir / "images/debian12.img.zst").touch()

    removed = clean(site, TEST_DRIVER, everything=False)

    left = sorted(str(path.relative_to(site.state_dir)) for path in site.state_dir.rglob("*"))
    assert (removed, left) == ([], ["images", "images/debian12.img.zst", "logs"])


def test_everything_is_everything(tmp_path: Path) -> None:
    site = Site(tmp_path / "demo")
    (site.state_dir / "images").mkdir(parents=True)

    assert clean(site, TEST_DRIVER, everything=True) == [str(site.state_dir)]
    assert not site.state_dir.exists()
