"""The steps a plan is made of. Each says what undoes it.

Every step is an *ensure*: doing it twice leaves the same as doing it once, so a plan that was cut off
can be run again from its start. Most are carried out on the host; a `LocalStep` is carried out by the
service itself, on files in a folder of the install that goes with the making.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FetchFile:
    """Reads `path` of the tree at `source` into the file `to`.

    Files to `inject`, (name, content in base64) each, are packed behind it, as an initrd takes them.
    `source` may hold a password.
    """

    source: str = field(repr=False)
    path: str
    to: str
    inject: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def undo(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class StageFile:
    """Keeps `path` of the tree at `source` as the file `to`, for every guest of the tree.

    It is fetched where the one that is kept is another. An `optional` one that the tree lacks is removed.
    """

    source: str = field(repr=False)
    path: str
    to: str
    optional: bool = False

    @property
    def undo(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class MakeSeed:
    """Packs `files`, (name, text) each, into a volume with that label. The texts hold secrets."""

    label: str
    to: str
    files: tuple[tuple[str, str], ...] = field(repr=False)

    @property
    def undo(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class PrepareImage:
    """Makes a plain qcow2 file of a disk image that is packed or of another format; it is kept for the next.

    `to` is where that file lies.
    """

    image: str
    to: str

    @property
    def undo(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class CreateVolume:
    """`capacity` in bytes; `name` begins with the guest's name and the install's id.

    With `backing`, a volume of the same pool, it holds only what differs from that.
    """

    pool: str
    name: str
    capacity: int
    format: str
    backing: str = ""
    backing_format: str = ""

    @property
    def undo(self) -> "DeleteVolume":
        return DeleteVolume(self.pool, self.name)


@dataclass(frozen=True, slots=True)
class UploadVolume:
    """A volume with the content of a file of ours. `capacity` in bytes, 0: as large as the file.

    `shared` volumes serve several guests, bear their content's name and stay.
    """

    pool: str
    name: str
    file: str
    format: str = "raw"
    capacity: int = 0
    shared: bool = False

    @property
    def undo(self) -> "DeleteVolume | None":
        return None if self.shared else DeleteVolume(self.pool, self.name)


@dataclass(frozen=True, slots=True)
class ResizeVolume:
    """Grows a volume to `capacity` bytes; one that is as large is left alone."""

    pool: str
    name: str
    capacity: int

    @property
    def undo(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class LinkVolume:
    """An overlay on the volume `base` of the same pool, which nobody may write to from then on.

    `path` is where the base is on the host, `format` what it holds, `capacity` in bytes.
    """

    pool: str
    name: str
    base: str
    path: str
    format: str
    capacity: int

    @property
    def undo(self) -> "DeleteVolume":
        return DeleteVolume(self.pool, self.name)


@dataclass(frozen=True, slots=True)
class CopyVolume:
    """A volume with all that the volume `source` of the same pool holds; it needs no other afterwards.

    `format` is that of both.
    """

    pool: str
    name: str
    source: str
    format: str

    @property
    def undo(self) -> "DeleteVolume":
        return DeleteVolume(self.pool, self.name)


@dataclass(frozen=True, slots=True)
class CopyNvram:
    """A UEFI variable store for a domain that is defined already, as `source` (a path on the host) has it.

    Undefining the domain removes it.
    """

    name: str
    uuid: str
    source: str

    @property
    def undo(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class KeepNvram:
    """A copy of a domain's UEFI variable store as the volume `volume`; a domain that has none gives none."""

    name: str
    uuid: str
    pool: str
    volume: str

    @property
    def undo(self) -> "DeleteVolume":
        return DeleteVolume(self.pool, self.volume)


@dataclass(frozen=True, slots=True)
class RestoreNvram:
    """The variable store of a domain that is off, as such a copy has it; without one it stays as it is."""

    name: str
    uuid: str
    pool: str
    volume: str

    @property
    def undo(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class DeleteVolume:
    """A volume that is already gone is not an error."""

    pool: str
    name: str

    @property
    def undo(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class DefineDomain:
    """Defines, or redefines where the UUID is ours already.

    `replaces` says that the guest was there before this plan (a rebuild): undoing leaves it defined.
    `known` that the XML is libvirt's own, which needs no look into its schema: that takes most of the time.
    """

    name: str
    uuid: str
    xml: str
    replaces: bool = False
    known: bool = False

    @property
    def undo(self) -> "UndefineDomain | None":
        return None if self.replaces else UndefineDomain(self.name, self.uuid)


@dataclass(frozen=True, slots=True)
class UndefineDomain:
    """Destroys where running, undefines with its NVRAM. A domain that is already gone is not an error."""

    name: str
    uuid: str

    @property
    def undo(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class StopDomain:
    """Forced power-off; a domain that is off or gone is not an error."""

    name: str
    uuid: str

    @property
    def undo(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class StartDomain:
    """`reset_nvram` gives UEFI guests a fresh variable store (VIR_DOMAIN_START_RESET_NVRAM).

    `xml` is what it is started with this once, for an installer's first stage: the definition stays, and
    the next start goes by that. `paused`: its CPUs wait until it is resumed.
    """

    name: str
    uuid: str
    reset_nvram: bool = False
    xml: str = ""
    paused: bool = False

    @property
    def undo(self) -> StopDomain:
        return StopDomain(self.name, self.uuid)


@dataclass(frozen=True, slots=True)
class SetAutostart:
    name: str
    uuid: str
    on: bool

    @property
    def undo(self) -> None:
        return None


LocalStep = FetchFile | StageFile | MakeSeed | PrepareImage
HostStep = (
    CreateVolume
    | UploadVolume
    | ResizeVolume
    | LinkVolume
    | CopyVolume
    | CopyNvram
    | KeepNvram
    | RestoreNvram
    | DeleteVolume
    | DefineDomain
    | UndefineDomain
    | StopDomain
    | StartDomain
    | SetAutostart
)
Step = LocalStep | HostStep


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done, in order. `warnings` are for a person; nothing in a plan was executed.

    `temporary` are the volumes, as (pool, name), that only the first stage needs.
    """

    guest: str
    install: str
    steps: tuple[Step, ...]
    warnings: tuple[str, ...] = ()
    temporary: tuple[tuple[str, str], ...] = ()

    @property
    def xml(self) -> str:
        """The domain XML of this plan, "" where it defines none."""
        return next((step.xml for step in self.steps if isinstance(step, DefineDomain)), "")

    @property
    def first_xml(self) -> str:
        """The XML that the first stage is started with, "" where that is the domain's own."""
        return next((step.xml for step in self.steps if isinstance(step, StartDomain)), "")
