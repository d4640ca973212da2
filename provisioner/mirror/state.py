"""One state of a repository: its root files, what they say, and what of it was read so far."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from provisioner.core.digest import Expected
from provisioner.core.source import shown
from provisioner.mirror.objects import Known, Objects
from provisioner.mirror.pointers import Pointer
from provisioner.mirror.roots import Reading, Root, packed, unpacked
from provisioner.mirror.vouching import Looked


@dataclass(slots=True, eq=False)
class State:
    """`files` are the bytes of its root files. `used` are the lists that somebody asked for, by their names
    without what they are packed with: the member, and the path that it was asked for by. `left`: what it
    names is not to be had any more, so that nobody should begin in it.
    """

    source: str
    root: Root
    pointer: Pointer
    reading: Reading
    files: Mapping[str, bytes]
    used: dict[str, tuple[str, str]] = field(default_factory=dict)
    left: bool = False

    def file(self, path: str) -> Looked | None:
        """A root file. None for one that this state does not have."""
        if path not in self.files:
            return None
        by = path if self.pointer.signed else ""
        digest = self.pointer.files[path]
        return looked(Expected("sha256", digest, len(self.files[path]), by, self.pointer.signed))

    def member(self, path: str) -> Looked | None:
        """A file that the root files name, by its path or below by-hash/."""
        found = self.reading.members.get(path)
        name = path
        if found is None and self.root.kind == "debian" and "/by-hash/" in path:
            folder, _, hashed = path.partition("/by-hash/")
            digest = hashed.rpartition("/")[2]
            same = (row for row in self._beside(folder) if row[1].digest == digest)
            name, found = next(same, ("", None))
        if found is None:
            return None
        if bare := unpacked(name):
            self.used[bare] = (name, path)
        return looked(found)

    def kept(self, objects: Objects) -> Iterator[tuple[str, str]]:
        """Blocking. The members that are kept: each path, and the path that it is kept by."""
        for path, expected in self.reading.members.items():
            for name in (path, hashed(path, expected)) if self.root.kind == "debian" else (path,):
                if there := objects.find(self.source, name, expected.digest):
                    there.file.close()
                    yield path, name

    def successor(self, path: str, name: str, after: "State") -> tuple[str, Expected] | None:
        """What a member became in the state `after`, and the path to keep it by; None where it is no more."""
        if self.root.kind == "rpm":
            kind = next((kind for kind, place in self.reading.kinds.items() if place == path), "")
            path = name = after.reading.kinds.get(kind, path)
        found = after.reading.members.get(path)
        if found is None:
            return None
        return (hashed(path, found) if "/by-hash/" in name else path), found

    def note(self, objects: Objects) -> None:
        """Blocking. What is kept of its lists was used."""
        for path in self.reading.members:
            if (bare := unpacked(path)) and bare not in self.used:
                for one in packed(bare, self.reading.members):
                    expected = self.reading.members[one]
                    for name in (one, hashed(one, expected)):
                        if there := objects.find(self.source, name, expected.digest):
                            there.file.close()
                            self.used[bare] = (one, name)

    def keep(self, objects: Objects, path: str) -> None:
        """Blocking. Has a root file among what is kept, if there is room."""
        digest = self.pointer.files[path]
        if there := objects.find(self.source, path, digest):
            there.file.close()
            return
        data = self.files[path]
        pointer = self.pointer
        main = path == next(iter(self.files))
        known = Known(
            shown(self.source),
            path,
            len(data),
            digest,
            pointer.url,
            pointer.etag if main else "",
            pointer.modified if main else "",
            by=path if pointer.signed else "",
            signed=pointer.signed,
        )
        with suppress(OSError):
            part = objects.part(self.source, path, digest)
            with part.file:
                try:
                    part.put(data, 0)
                except OSError:
                    part.drop()
                    raise
                part.keep(known)

    def _beside(self, folder: str) -> Iterator[tuple[str, Expected]]:
        below = self.reading.members.below(folder + "/")
        return ((path, must) for path, must in below if path.rpartition("/")[0] == folder)


def looked(expected: Expected) -> Looked:
    return Looked(expected.digest, expected, True)


def hashed(path: str, expected: Expected) -> str:
    """A member's path below by-hash/."""
    return f"{path.rpartition('/')[0]}/by-hash/{expected.algorithm.upper()}/{expected.digest}"
