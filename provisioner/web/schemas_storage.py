"""The models of `/pools`, `/media` and what is below them."""

from typing import Literal

from pydantic import Field, TypeAdapter

from provisioner.core.media import MediaFile
from provisioner.core.storage import PoolSpec, Volume
from provisioner.web.schemas import ADAPTERS, In, Line, Out

ADAPTERS.update({kind: TypeAdapter(kind) for kind in (Volume, MediaFile)})


class NewPool(In):
    """A pool to be made and started."""

    name: Line
    kind: Literal["dir", "logical", "netfs"] = "dir"
    path: Line = Field("", description="the directory of a dir or netfs pool; it is made where it is missing")
    source: Line = Field("", description="volume group of a logical pool, exported directory of a netfs pool")
    host: Line = Field("", description="server of a netfs pool")
    autostart: bool = True

    def spec(self) -> PoolSpec:
        """Raises Invalid."""
        return PoolSpec(**self.model_dump())


class NewVolume(In):
    """An empty volume, an overlay (`backing`) or a copy (`clone`) of another volume of the pool."""

    name: Line
    capacity: int = Field(0, description="bytes; 0 only for overlays and clones: as large as the other")
    format: Literal["qcow2", "raw"] = "qcow2"
    backing: Line = ""
    clone: Line = ""


class NewSize(In):
    capacity: int = Field(description="bytes, not fewer than it has")


class PoolGone(Out):
    """`volumes` are those that were deleted with it: none unless that was asked for."""

    done: str
    volumes: list[str]
