"""Which state of a repository is the current one: one small file for each, replaced by one rename.

The root files' bytes are in it as well: whatever has to make room among what is kept, a state stays known.

    ROOT/SOURCE/states/XXXX      one line of JSON, then the bytes of each root file
"""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from provisioner.mirror.objects import Objects, sync
from provisioner.mirror.roots import Root


@dataclass(frozen=True, slots=True)
class Pointer:
    """`files` are the root files of the state: path to the SHA-256 of its bytes.

    `url` is where the first of them came from, `etag` and `modified` are what was said of it there. `signed`
    is the fingerprint of the key that signed it, `unsigned` why there is none, `keys` the SHA-256 of the keys
    that it was checked by.
    `checked` is when the upstream last said that it is right, in seconds since 1970.
    """

    kind: str
    place: str
    files: Mapping[str, str]
    url: str
    etag: str
    modified: str
    signed: str
    unsigned: str
    keys: str
    checked: float = 0

    @property
    def root(self) -> Root:
        return Root(self.kind, self.place)  # type: ignore[arg-type]  # written from one


class Pointers:
    """Blocking. They lie beside what is kept of a source, and are forgotten with it."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def all(self, source: str) -> Iterator[tuple[Pointer, dict[str, bytes]]]:
        """Of all repositories of a source, with their root files. What cannot be read is none."""
        for place in sorted(self._of(source).glob("*")):
            try:
                with place.open("rb") as file:
                    said = json.loads(file.readline())
                    sizes = said.pop("sizes")
                    pointer = Pointer(**{**said, "checked": os.fstat(file.fileno()).st_mtime})
                    files = {path: file.read(size) for path, size in sizes.items()}
            except (OSError, ValueError, TypeError, KeyError, AttributeError):
                continue
            if {path: sha256(data).hexdigest() for path, data in files.items()} == pointer.files:
                yield pointer, files

    def set(self, source: str, pointer: Pointer, files: Mapping[str, bytes]) -> None:
        """From now on this is the current state. Raises OSError."""
        sizes = {path: len(data) for path, data in files.items()}
        head = json.dumps({**asdict(pointer), "sizes": sizes}).encode()
        folder = self._of(source)
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(b"\n".join([head, b"".join(files.values())]))
                file.flush()
                os.fsync(file.fileno())
            os.utime(name, (pointer.checked, pointer.checked))
            Path(name).replace(self._place(source, pointer.root))
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        sync(folder)

    def confirm(self, source: str, root: Root, when: float) -> None:
        """The upstream said that it is still right."""
        try:
            os.utime(self._place(source, root), (when, when))
        except FileNotFoundError:
            return

    def _of(self, source: str) -> Path:
        return self._objects.folder(source) / "states"

    def _place(self, source: str, root: Root) -> Path:
        return self._of(source) / sha256(f"{root.kind}\0{root.place}".encode()).hexdigest()[:32]
