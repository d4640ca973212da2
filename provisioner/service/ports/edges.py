"""The other edges: the process of answer files, trees, the builder of images, loaders."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

from provisioner.core.loaders import LoaderFile
from provisioner.core.profile import Image
from provisioner.plan.steps import LocalStep

if TYPE_CHECKING:
    from provisioner.answers.context import AnswerContext
    from provisioner.answers.finding import Finding, Origins


class Linter(Protocol):
    """Checks an answer file in a process of its own."""

    async def lint(self, text: str, family: str, release: str) -> "list[Finding]":
        """In the order of their lines. Raises Invalid, Unavailable."""
        ...


class Renderer(Protocol):
    """Renders templates that may be a stranger's, within bounds of time and memory."""

    async def render(self, template: str, context: "AnswerContext") -> str:
        """Raises Invalid for a template that is broken or does not end, Unavailable."""
        ...

    async def origins(self, template: str, context: "AnswerContext", text: str) -> "Origins":
        """Which line of which template wrote each line of `text`, which that template gave."""
        ...


@dataclass(frozen=True, slots=True)
class ServedText:
    """An answer file as it was served to a guest or machine, but for its secrets; `root` is how we were
    addressed.
    """

    guest: str
    install: str
    file: str
    root: str
    at: str
    text: str


class AnswerArchive(Protocol):
    async def keep(self, served: ServedText) -> None:
        """In the place of what was served to the same guest before. Raises OSError."""
        ...

    async def last(self, name: str) -> ServedText:
        """Raises NotFound where nothing was served to it, or not any more known."""
        ...

    async def before(self, name: str) -> ServedText:
        """What was served to its install before that one. Raises NotFound."""
        ...


class TreeReader(Protocol):
    """Reads the small files of a tree, wherever it is. Raises Unavailable naming the URL."""

    async def read(self, source: str, path: str) -> bytes | None:
        """The file's bytes, None where the tree has no such file."""
        ...

    async def exists(self, source: str, path: str) -> bool:
        """Whether the tree has the file, of any size."""
        ...

    def archive(self, source: str) -> str:
        """The archive that a source is read from in its place, "" where it is not."""
        ...

    async def matches(self, source: str, path: str, checksum: str) -> bool:
        """Whether the file, of any size, has that checksum: `sha256:` and the digest. All of it is read."""
        ...


class Systems(Protocol):
    """Where trees of systems lie, by the names that osinfo-db has for them: debian13, centos7.6."""

    async def places(self, name: str, arch: str) -> list[str]:
        """URLs of the system's tree, the likeliest first; none for a system that nobody knows."""
        ...

    async def least(self, name: str) -> tuple[int, float]:
        """Memory in MiB and disk in GiB that a system asks for at least, 0 where that is not known."""
        ...

    async def ended(self, name: str) -> date | None:
        """When a system's maker stopped mending it, or will; None where that is not known."""
        ...

    async def like(self, name: str) -> list[str]:
        """Names of systems that are written nearly so."""
        ...


class Workshop(Protocol):
    async def apply(self, step: LocalStep) -> None:
        """Carries out a step on our own files. Raises Unavailable, Invalid."""
        ...

    async def clear(self, install: str) -> None:
        """Removes the folder of an install, whatever is in it; one that is not there is no error."""
        ...


class ImageBuilder(Protocol):
    def build(self, name: str, *, tune: bool, mirror: str) -> AsyncIterator[str | Image]:
        """Lines of progress, then the image. Raises Unavailable where a tool or the mirror is missing."""
        ...

    async def remove(self, image: Image) -> None: ...


class LoaderFolder(Protocol):
    """First loaders by name, the distribution's and those that were added."""

    async def list(self) -> Sequence[LoaderFile]: ...
    async def add(self, name: str, machine: str, pieces: AsyncIterator[bytes], size: int) -> LoaderFile:
        """`machine` is what the program must be made for. Raises Invalid, Conflict."""
        ...

    async def remove(self, name: str) -> None:
        """Raises NotFound, Conflict for what was not added."""
        ...
