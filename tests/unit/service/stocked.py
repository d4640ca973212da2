"""A world with real trees and profiles, and a guest of each method to be asked for in it."""

import base64
from dataclasses import dataclass

from lxml import etree

from provisioner.core.install import Install, Kind, Stage
from provisioner.service.answers import Answers
from provisioner.service.drafts import AnswerCheck
from provisioner.service.requests import CreateGuest, ProfileSource, TreeSource
from tests.fakes import IMAGE, FakeClock, FakeHypervisor
from tests.files import PACKED, PLAIN, RAW, WORK
from tests.memory import MemoryStore
from tests.unit.service.world import World

CENTOS, MINI, TRIXIE = "/rhel/centos-7.6.1810", "/image/mini", "/debian/trixie"
KEYS = ("ssh-ed25519 AAAA me@here",)
HOSTS = base64.b64encode(b"127.0.0.1 localhost\n").decode()
OLD = {("default", "old-data"): 7, ("default", "old-system"): 8}
"""Volumes that were there before any guest."""


class Stocked(World):
    """The trees `mini` and `centos7` are known; the shipped profiles answer for them."""

    def sources(self) -> tuple[ProfileSource, TreeSource]:
        return self.shelf.profiles, self.shelf.trees

    def check_answer(self, answers: Answers) -> AnswerCheck | None:
        return answers.check

    def on_the_way(self) -> list[str]:
        """The service's files that are on their way to a host."""
        return [path for path in self.libvirt.files if path.startswith(WORK)]

    def made(self) -> set[str]:
        """The names of the volumes that were not there before; bases for every guest are not counted."""
        names = {name for _, name in self.libvirt.disks.keys() - OLD.keys()}
        return {name for name in names if not name.startswith("base-")}

    def lacking(self, name: str = "web1") -> list[str]:
        """The volumes that the domain runs with, or would, and that are not there."""
        text = self.libvirt.live.get(name) or self.libvirt.xmls[name]
        root = etree.fromstring(text)
        files = [source.get("file", "") for source in root.iterfind("devices/disk/source")]
        files += [found.text or "" for tag in ("kernel", "initrd") for found in root.iterfind(f"os/{tag}")]
        volumes = [file.rpartition("/")[2] for file in files if file.startswith("/var/lib/libvirt/images/")]
        return [volume for volume in volumes if ("default", volume) not in self.libvirt.disks]

    def by_definition(self, name: str = "web1") -> bool:
        """Whether the domain was last started by its definition, and not into a first stage."""
        return self.libvirt.live[name] == self.libvirt.xmls[name]


async def stocked() -> Stocked:
    clock = FakeClock()
    world = Stocked(clock, MemoryStore(clock), FakeHypervisor())
    world.libvirt.disks.update(OLD)
    await world.memory.put_image(IMAGE)
    await world.shelf.trees.add("mini", MINI)
    await world.shelf.trees.add("centos7", CENTOS)
    return world


@dataclass(frozen=True)
class Asked:
    """`stage` is where the install stands when the guest was made, `own` the volumes it has then behind
    `web1-INSTALL`, `temporary` those of them that the first stage needs. Nobody reports for `unmanaged` ones.
    """

    request: CreateGuest
    stage: Stage
    own: tuple[str, ...] = ("",)
    temporary: tuple[str, ...] = ()
    first: bool = True
    unmanaged: bool = False


def url(request: CreateGuest, *, unmanaged: bool = False) -> Asked:
    names = ("-kernel", "-initrd")
    return Asked(request, Stage.LOADING, ("", *names), names, unmanaged=unmanaged)


def imported(disk: str, *own: str, stage: Stage = Stage.INSTALLED, **seed: str) -> Asked:
    cloud = seed if stage is Stage.INSTALLING else None
    request = CreateGuest("web1", method="import", disks=(disk,), ssh_keys=KEYS, cloud_init=cloud)
    return Asked(request, stage, own, first=False, unmanaged=cloud is None)


ASKED: dict[str, Asked] = {
    "pxe": Asked(CreateGuest("web1", "tiny", ssh_keys=KEYS), Stage.BOOTING, first=False),
    "pxe, several disks": Asked(
        CreateGuest(
            "web1", "tiny", disks=("size=1", "size=2", "vol=default/old-data"), networks=("default",) * 2
        ),
        Stage.BOOTING,
        ("", "-2"),
        first=False,
    ),
    "url": url(CreateGuest("web1", "centos7", location="centos7")),
    "url, a tree that is not known": url(CreateGuest("web1", location=TRIXIE)),
    "url, files in the initrd": url(CreateGuest("web1", location=CENTOS, files={"hosts": HOSTS})),
    "url, answered by the user": url(
        CreateGuest("web1", location=CENTOS, extra_args="inst.ks=http://x/y", disks=("size=4", "size=2")),
        unmanaged=True,
    ),
    "iso": Asked(
        CreateGuest("web1", "tiny", cdrom="rescue.iso"), Stage.INSTALLING, ("", "-seed"), ("-seed",)
    ),
    "iso, nobody answers": Asked(CreateGuest("web1", cdrom="rescue.iso"), Stage.BOOTING, unmanaged=True),
    "import": imported(PLAIN.path, ""),
    "import, raw and larger": imported(f"{RAW.path},size=3", ""),
    "import, packed": imported(PACKED.path, ""),
    "import, linked": imported(f"{PLAIN.path},linked=on,size=20", ""),
    "import, cloud-init": imported(f"{PACKED.path},linked=on", "", "-seed", stage=Stage.INSTALLING),
    "import, a volume": imported("vol=default/old-system"),
    "import, a volume with cloud-init": imported("vol=default/old-system", "-seed", stage=Stage.INSTALLING),
}
ASKED["url, answered by the user"] = Asked(
    ASKED["url, answered by the user"].request,
    Stage.LOADING,
    ("", "-2", "-kernel", "-initrd"),
    ("-kernel", "-initrd"),
    unmanaged=True,
)


async def as_it_should(world: Stocked, asked: Asked, install: str) -> None:
    """One guest that runs, with exactly its volumes, and nothing on its way any more."""
    found = await world.memory.install("web1")
    row = await world.memory.guest("web1")
    prefix = f"web1-{install}"
    assert (found.id, found.stage) == (install, asked.stage)
    assert [(d.name, d.state) for d in world.libvirt.there.values() if d.ours] == [("web1", "running")]
    assert {f"{prefix}{suffix}" for suffix in asked.own} == world.made()
    assert OLD.items() <= world.libvirt.disks.items()
    assert row.holdings.temporary == tuple(("default", f"{prefix}{suffix}") for suffix in asked.temporary)
    assert {name for _, name in row.holdings.owned} == world.made()
    assert (row.first_stage, row.old_volume, row.holdings.leftover) == (asked.first, "", ())
    assert world.by_definition() != asked.first
    assert world.lacking() == []
    assert world.on_the_way() == []
    assert await world.memory.open_journal() == []


async def ends(world: Stocked, asked: Asked, install: str) -> Install:
    """What the guest does next, up to its first boot from disk: it is installed, once."""
    progress = world.progress()
    if not asked.unmanaged:
        served = () if asked.stage is Stage.INSTALLING else (Kind.ANSWER_SERVED,)
        if asked.request.method == "import":
            await world.happen(Kind.FIRST_BOOT, install=install)
        else:
            await world.happen(*served, Kind.SUCCEEDED, install=install)
    if asked.first:
        await world.libvirt.shutdown("web1")
    elif asked.request.method != "import":
        await world.happen(Kind.REBOOTED, install=install)
    await progress.drain()
    world.libvirt.callbacks.clear()
    return await world.memory.install(install)
