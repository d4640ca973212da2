"""What a guest is asked for with."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from provisioner.core.errors import Invalid
from provisioner.service.requests import CreateGuest
from provisioner.service.verdicts import FieldVerdict
from provisioner.web.schemas import MOST, In, Line, Name, Out, PlanOut

GUEST = "{name}"
"""Stands for the guest's name in the text of a disk."""
Text = Annotated[str, StringConstraints(max_length=64 * 1024)]


class CloudInit(In):
    """cloud-init's texts; what is left out is ours."""

    user_data: Text = ""
    meta_data: Text = ""
    network_config: Text = ""

    def texts(self) -> dict[str, str]:
        given = {
            "user-data": self.user_data,
            "meta-data": self.meta_data,
            "network-config": self.network_config,
        }
        return {name: text for name, text in given.items() if text}


class Wishes(In):
    """What a guest is to be. What is left out comes from the profile."""

    profile: Line = ""
    method: Literal["", "pxe", "url", "iso", "import"] = Field(
        "", description="left out: url with a location, iso with a cdrom, else pxe"
    )
    memory: int | None = Field(None, description="MiB")
    vcpus: int | None = None
    cpu: Line = Field("", description="libvirt CPU model, host-passthrough, host-model or maximum")
    osinfo: Line = Field("", description="what it runs, where no tree tells: debian12, centos-stream9")
    disks: list[Line] = Field(
        default_factory=list,
        max_length=16,
        description="size=4,pool=default,format=qcow2,bus=virtio (size in GiB); IMAGE,size=20,linked=on; "
        "vol=POOL/VOLUME; {name} stands for the guest's name",
    )
    networks: list[Line] = Field(
        default_factory=list,
        max_length=8,
        description="network=NAME, bridge=NAME, type=direct,source=DEVICE or user; mac=, model=",
    )
    mac: Line = Field("", description="of the first card")
    uuid: Line = ""
    boot: Line = Field("bios", description="bios, uefi or uefi,secure=on")
    loader: Literal["", "ipxe", "grub", "pxelinux"] = Field(
        "", description="what the firmware is given first; empty: iPXE, and GRUB under Secure Boot"
    )
    rom: bool = Field(True, description="false: the firmware's own PXE client asks, not the card's iPXE")
    graphics: Literal["", "none", "vnc"] = ""
    location: Line = Field(
        "", description="tree by name, URL, directory or ISO; its kernel is started directly"
    )
    cdrom: Line = Field("", description="ISO, or the host's drive, which is booted")
    direct: bool = Field(False, description="hand the tree's own URL to the installer")
    files: dict[str, str] = Field(
        default_factory=dict, max_length=32, description="added to the initrd: name to base64"
    )
    cloud_init: CloudInit | None = Field(None, description="a seed for cloud-init; null: none")
    extra_args: Line = Field("", description="appended to the kernel command line")
    autostart: bool = False
    start: Literal["run", "paused", "off"] = Field("run", description="of an import, once it is made")
    ssh_keys: list[Line] = Field(default_factory=list, max_length=50)
    root_password_hash: Line = Field("", description="crypt(3) hash; empty locks root's password")
    variables: dict[str, object] = Field(
        default_factory=dict, description="of its answer file, above the profile's"
    )
    connect: Line = Field("", description="libvirt URI; empty for the configured one")

    def wanted(self, names: Sequence[str]) -> list[CreateGuest]:
        """Such a guest under each of the names, as the use case takes it."""
        texts = None if self.cloud_init is None else self.cloud_init.texts()
        plain = self.model_dump(
            exclude={"name", "names", "at_once", "cloud_init", "disks", "networks", "ssh_keys"}
        )
        request = CreateGuest(
            name="",
            **plain,
            networks=tuple(self.networks),
            ssh_keys=tuple(self.ssh_keys),
            cloud_init=texts,
        )
        return [replace(request, name=name, disks=self._disks(name)) for name in names]

    def _disks(self, name: str) -> tuple[str, ...]:
        return tuple(disk.replace(GUEST, name) for disk in self.disks)


class NewGuest(Wishes):
    """A guest to be created and installed."""

    name: Name

    def request(self) -> CreateGuest:
        (one,) = self.wanted([self.name])
        return one


class NewGuests(Wishes):
    """Several that differ in their names alone, and in the addresses that each is given."""

    names: list[Name] = Field(min_length=1, max_length=MOST)
    at_once: int = Field(0, ge=0, description="so many of these installs run at a time; 0: no limit")

    def requests(self) -> list[CreateGuest]:
        """Raises Invalid where all would have one address."""
        if len(self.names) > 1 and (self.mac or self.uuid or any("mac=" in text for text in self.networks)):
            raise Invalid("mac and uuid are for one guest", remedy="leave them out: each is given its own")
        return self.wanted(self.names)


class GuestForm(Wishes):
    """A guest, or several, as somebody describes them."""

    names: Line = Field("", description="web1, or several at once: web{01..10}")


class FieldOut(Out):
    """What is said of one field; `field` is empty where it is said of all."""

    field: str
    severity: Literal["good", "warn", "fail"]
    sentence: str
    remedy: str

    @classmethod
    def of(cls, found: FieldVerdict) -> "FieldOut":
        return cls(field=found.field, severity=found.severity, sentence=found.sentence, remedy=found.remedy)


class GuestVerdict(Out):
    """What can be said of a guest that is being described."""

    names: list[str]
    verdicts: list[FieldOut]
    plan: PlanOut | None = Field(description="of the first; null where something stands against it")
    command: str = Field(description="the command line that asks for the same")
