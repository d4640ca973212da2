"""Volumes that a guest brings along, as the installer finds them; here files hold the same bytes."""

import subprocess
from pathlib import Path

import pytest

from provisioner.media.hosttools import find
from provisioner.media.seed import seed
from tests.unit.media.shell import run

# Instead of the machine's own devices: the files of this folder.
DEVICES = "drivers() { :; }\nvolume_devices() { echo empty iso ext short; }\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "empty").write_bytes(bytes(100_000))
    (tmp_path / "short").write_bytes(b"x")
    (tmp_path / "iso").write_bytes(seed("OEMDRV", {"ks.cfg": b"text\\n"}))
    with (tmp_path / "ext").open("wb") as made:
        made.truncate(4 * 1024 * 1024)
    subprocess.run(
        [find("mke2fs", "this test"), "-q", "-F", "-t", "ext4", "-L", "My Disk", str(tmp_path / "ext")],
        check=True,
    )
    return tmp_path


def test_labels_are_read_without_mounting(folder: Path) -> None:
    done = run(folder, DEVICES + "volume_list")

    assert (done.stdout, done.stderr) == (' empty "" iso "OEMDRV" ext "My Disk" short ""', "")


@pytest.mark.parametrize(
    ("label", "found"), [("OEMDRV", "iso"), ("My Disk", "ext"), ("oemdrv", "no"), ("", "empty")]
)
def test_a_volume_is_found_by_its_label(folder: Path, label: str, found: str) -> None:
    done = run(folder, DEVICES + f'volume_find "{label}" 0 && echo "$volume" || echo no')

    assert done.stdout == f"{found}\n"


SPECS = {
    "hd:LABEL=OEMDRV": ("LABEL=OEMDRV", ""),
    "hd:LABEL=My\\x20Disk:/os/x86_64": ("LABEL=My\\x20Disk", "os/x86_64"),
    "hd:vdb": ("/dev/vdb", ""),
    "hd:vdb1:/ks.cfg": ("/dev/vdb1", "ks.cfg"),
    "hd:/dev/sda:/a:b": ("/dev/sda", "a:b"),
    "cdrom": ("", ""),
    "cdrom:sr1": ("/dev/sr1", ""),
    "cdrom:/dev/sr0:/ks.cfg": ("/dev/sr0", "ks.cfg"),
}


@pytest.mark.parametrize("spec", SPECS)
def test_how_a_volume_is_named(tmp_path: Path, spec: str) -> None:
    done = run(tmp_path, f"volume_spec '{spec}'\nprintf '%s|%s' \"$spec\" \"$path\"")

    assert tuple(done.stdout.split("|")) == SPECS[spec]


def test_a_label_with_a_space_is_written_as_anaconda_has_it(folder: Path) -> None:
    script = (
        DEVICES + 'volume_mount() { echo "$@"; }\nvolume_open "hd:LABEL=My\\x20Disk:/os" /place .treeinfo\n'
    )
    done = run(folder, script + 'echo "$path"')

    assert done.stdout == "ext /place\nos\n"


def test_no_such_label_stops_it_and_says_what_there_is(folder: Path) -> None:
    done = run(folder, DEVICES + "sleep() { :; }\nvolume_open hd:LABEL=OTHER /place x")

    assert done.stdout == (
        "stopped: hd:LABEL=OTHER: no volume is labelled 'OTHER' among:"
        ' empty "" iso "OEMDRV" ext "My Disk" short ""\n'
    )


MOUNTED = """
volume_mount() { mkdir -p "$2"; [ ! -f given ] || cp given "$2/ks.cfg"; }
sleep() { :; }
SEED=$PWD/seed
"""


def test_the_answer_file_of_an_oemdrv_volume(folder: Path) -> None:
    (folder / "given").write_text("text\n")
    done = run(folder, DEVICES + MOUNTED + 'seed_open\nget_kickstart "$KICKSTART" got && cat got')

    assert (done.stdout, done.stderr) == ("text\n", "")


def test_an_oemdrv_volume_without_an_answer_file_stops_it(folder: Path) -> None:
    done = run(folder, DEVICES + MOUNTED + "seed_open")

    assert done.stdout == "stopped: the volume labelled OEMDRV holds no ks.cfg\n"


def test_an_image_on_a_volume_is_fed_as_one_of_http_is(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(bytes(range(256)) * 1000)
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/dd").symlink_to(find("dd", "this test"))
    done = run(tmp_path, f"feed file:{tmp_path}/image >copy; echo $?")

    assert done.stdout == "0\n"
    assert (tmp_path / "copy").read_bytes() == (tmp_path / "image").read_bytes()


def test_a_disk_that_brought_something_is_not_installed_on(tmp_path: Path) -> None:
    done = run(
        tmp_path, 'TAKEN=" sr0 vdb1 sda"\nfor d in vda vdb sda sdb; do disk_taken $d && echo $d; done; true'
    )

    assert done.stdout == "vdb\nsda\n"
