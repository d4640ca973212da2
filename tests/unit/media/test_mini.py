"""What the mini installer is packed from decides whether it is packed anew."""

from pathlib import Path

from provisioner.media.mini import pack


def test_the_same_is_packed_once_and_what_changed_anew(tmp_path: Path) -> None:
    first = pack(b"loaders: unsigned", tmp_path, 1)
    made = first.stat().st_ino

    assert pack(b"loaders: unsigned", tmp_path, 1).stat().st_ino == made
    second = pack(b"loaders: signed", tmp_path, 1)
    assert list(tmp_path.iterdir()) == [second]
    assert second.name != first.name
