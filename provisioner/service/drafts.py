"""From a request, or from a guest's row, to the plan that makes it: reading and planning, nothing done."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date

from provisioner.core.errors import Invalid, ProvisionerError
from provisioner.core.guest import Disk, GuestSpec, Method
from provisioner.core.host import HostFacts
from provisioner.core.install import Install, Stage
from provisioner.core.machine import check_name
from provisioner.core.profile import Profile, Tree
from provisioner.distros.osinfo import check_osinfo, named
from provisioner.plan.checks import check_tree
from provisioner.plan.describe import masked
from provisioner.plan.given import Given
from provisioner.plan.naming import volume_name
from provisioner.plan.needs import advise, check_needs, foreign, outlived
from provisioner.plan.plan import data_volumes, plan_guest, plan_rebuild
from provisioner.plan.steps import CreateVolume, DeleteVolume, Plan, UploadVolume
from provisioner.service.grounds import Grounds
from provisioner.service.locations import Locations
from provisioner.service.ports import Clock, GuestRow, Holdings, Hosts, Store, Volumes
from provisioner.service.preflight import image_verdict, judge
from provisioner.service.rebuild import disks_made, emptied, respecified
from provisioner.service.requests import (
    CreateGuest,
    Ids,
    Media,
    ProfileSource,
    Rebuild,
    Served,
    TreeSource,
)
from provisioner.service.roots import root_of
from provisioner.service.specs import check_answered, gives_mac, method_of, secrets_of, spec_of

AnswerCheck = Callable[[Install, GuestRow, Profile, Tree], Awaitable[tuple[str, ...]]]
"""Renders and checks the answer file that the install will be given; its warnings. Raises Invalid."""


_GIB = 1024**3


async def _as_it_is(uri: str) -> str:
    return uri


async def _unknown(system: str) -> tuple[int, float]:
    return 0, 0


async def _lasting(system: str) -> date | None:
    return None


@dataclass(frozen=True, slots=True)
class Draft:
    """An install that could be begun now. `secrets` are those in `plan`; `tree` is one to be remembered.

    `answered` says where the answer file lies, where nobody will ask for it.
    """

    install: Install
    row: GuestRow
    plan: Plan
    secrets: tuple[str, ...]
    tree: Tree | None = None
    answered: str = ""

    @property
    def shown(self) -> Plan:
        """The plan with its secrets as `***`."""
        return masked(self.plan, self.secrets)


class Drafts:
    """`least` tells the memory and the disk that a system of osinfo-db asks for, `ended` until when it was
    mended.
    """

    def __init__(
        self,
        store: Store,
        hosts: Hosts,
        profiles: ProfileSource,
        trees: TreeSource,
        clock: Clock,
        ids: Ids,
        grounds: Grounds,
        locations: Locations,
        media: Media,
        served: Served,
        http_port: int,
        address: str = "",
        check_answer: AnswerCheck | None = None,
        resolve: Callable[[str], Awaitable[str]] = _as_it_is,
        least: Callable[[str], Awaitable[tuple[int, float]]] = _unknown,
        ended: Callable[[str], Awaitable[date | None]] = _lasting,
    ) -> None:
        self._store = store
        self._hosts = hosts
        self._profiles = profiles
        self._trees = trees
        self._clock = clock
        self._ids = ids
        self._grounds = grounds
        self._locations = locations
        self._media = media
        self._served = served
        self._http_port = http_port
        self._address = address
        self._check_answer = check_answer
        self._resolve = resolve
        self._least = least
        self._ended = ended

    async def new(self, request: CreateGuest) -> Draft:
        """Raises what stands against the request; the first thing that is wrong, in one sentence."""
        check_name(request.name, "guest name")
        method = method_of(request)
        secrets = secrets_of(request)
        profile, tree, new_tree = await self.what(request, method)
        check_answered(request, profile)
        uri, host = await self.where(request)
        spec = await self.spec(request, method, profile, tree, uri, host)
        install = self._install(spec, tree)
        holdings = Holdings(data=data_volumes(spec, install.id))
        volume = spec.disk.volume or volume_name(spec.name, install.id)
        row = GuestRow(spec, install.id, volume, install.created, secrets, uri, holdings=holdings)
        draft = await self._checked(install, row, host, profile, tree)
        return replace(draft, tree=tree if new_tree else None)

    async def rebuilt(self, row: GuestRow, wish: Rebuild) -> Draft:
        """A new install of a guest that exists, on disks that `wish` empties. Raises Invalid, NotFound."""
        spec = respecified(row.spec, wish)
        profile, tree = await self._of(spec)
        install = self._install(spec, tree)
        new = emptied(replace(row, spec=spec, install=install.id), wish)
        return await self._checked(install, new, await self._hosts(row.uri).facts(), profile, tree)

    async def again(self, install: Install, row: GuestRow) -> Draft:
        """The plan of an install that was begun before: the same ids, so the same plan."""
        profile, tree = await self._of(row.spec)
        host = await self._hosts(row.uri).facts()
        return await self._draft(install, row, host, profile, tree)

    async def where(self, request: CreateGuest) -> tuple[str, HostFacts]:
        """The host's URI, "" for the configured one, and what it has now. Raises NotFound, Unavailable."""
        uri = await self._resolve(request.connect)
        return uri, await self._hosts(uri).facts(fresh=gives_mac(request))

    async def spec(
        self,
        request: CreateGuest,
        method: Method,
        profile: Profile | None,
        tree: Tree,
        uri: str,
        host: HostFacts,
    ) -> GuestSpec:
        """The guest as it would be on that host, its medium and its disks looked up."""
        spec = await spec_of(request, profile, method, host, self._store, self._ids)
        spec = replace(spec, tree=tree.name if request.location else "", iso=await self._iso(request, tree))
        disks = [await self._found(disk, uri) for disk in spec.disks]
        return replace(spec, disks=tuple(disks))

    async def what(self, request: CreateGuest, method: Method) -> tuple[Profile | None, Tree, bool]:
        """Profile and tree; the last says whether the tree is one that nobody knows yet."""
        if request.location:
            tree, new = await self._locations.tree(request.location)
            return await self._locations.profile(tree, request.profile, request.extra_args), tree, new
        if not request.profile and method in ("iso", "import"):
            return None, Tree("", ""), False
        if not request.profile:
            raise Invalid(
                f"guest {request.name}: --profile is missing: it names what is installed",
                remedy="provisioner profile list shows them",
            )
        profile = await self._profiles.get(request.profile)
        return profile, await self._trees.get(profile.tree), False

    async def _of(self, spec: GuestSpec) -> tuple[Profile | None, Tree]:
        profile = await self._profiles.get(spec.profile) if spec.profile else None
        name = spec.tree or (profile.tree if profile else "")
        return profile, await self._trees.get(name) if name else Tree("", "")

    async def _iso(self, request: CreateGuest, tree: Tree) -> str:
        """The medium for the guest's drive: what `--cdrom` names, or the ISO that its tree is read from."""
        if request.cdrom:
            return (
                request.cdrom if request.cdrom.startswith("/dev/") else await self._media.iso(request.cdrom)
            )
        return tree.source if request.location and tree.source.endswith(".iso") else ""

    async def _found(self, disk: Disk, uri: str) -> Disk:
        """The disk as it will be: a copy of an image, and a volume that is there, have their own format."""
        if disk.volume:
            volume = await self._hosts(uri).volume_info(disk.pool, disk.volume)
            return replace(disk, format="raw" if volume.format == "raw" else "qcow2")
        if not disk.image:
            return disk
        image = await self._media.disk_image(disk.image)
        form = disk.format if disk.linked else image.format
        return replace(disk, image=image.path, format=form, size=disk.size or image.size / _GIB)

    async def _checked(
        self, install: Install, row: GuestRow, host: HostFacts, profile: Profile | None, tree: Tree
    ) -> Draft:
        served = self._served() if row.spec.method == "pxe" else {}
        check_osinfo(row.spec.name, row.spec.osinfo, tree)
        check_tree(row.spec, host, tree)
        verdicts = judge(row.spec, host, served, rebuild=bool(row.old_volume), made=disks_made(row))
        verdicts += check_needs(row.spec, tree, packed=bool(profile and profile.image))
        if name := foreign(row.spec, tree):
            verdicts += advise(row.spec, *await self._least(name))
        if name := row.spec.osinfo or named(tree):
            verdicts += outlived(name, await self._ended(name), install.created.date())
        if profile is not None:
            await image_verdict(self._store, profile, row.spec)
        if tree.kernel and row.spec.method in ("pxe", "url"):
            await self._trees.reachable(tree)
        if profile is not None and self._check_answer is not None and row.spec.method != "import":
            verdicts += await self._check_answer(install, row, profile, tree)
        draft = await self._draft(install, row, host, profile, tree)
        return replace(draft, plan=replace(draft.plan, warnings=draft.plan.warnings + verdicts))

    async def _draft(
        self, install: Install, row: GuestRow, host: HostFacts, profile: Profile | None, tree: Tree
    ) -> Draft:
        given = await self._grounds.given(
            install, row, profile, tree, host, self._root(row.spec, host), await self._present(row)
        )
        if row.old_volume:
            plan = plan_rebuild(row.spec, host, tree, given, old_volume=row.old_volume)
            left = (pair for pair in row.holdings.leftover if pair[1] != row.old_volume)
            plan = replace(plan, steps=(*plan.steps, *(DeleteVolume(*pair) for pair in left)))
        else:
            plan = plan_guest(row.spec, host, tree, given)
        return Draft(install, _held(row, plan), plan, given.secrets, answered=_answered(row.spec, given))

    def _root(self, spec: GuestSpec, host: HostFacts) -> str:
        """A guest that fetches nothing from here needs no address of ours."""
        if spec.method in ("iso", "import") and spec.unmanaged:
            return ""
        try:
            return root_of(spec.nic, host, self._served(), self._http_port, self._address)
        except ProvisionerError:
            if spec.method == "pxe":
                return ""
            raise

    async def _present(self, row: GuestRow) -> frozenset[str]:
        if not row.spec.disk.linked:
            return frozenset()
        return frozenset(await self._hosts(row.uri).volumes(row.spec.disk.pool))

    def _install(self, spec: GuestSpec, tree: Tree) -> Install:
        now = self._clock()
        return Install(
            self._ids.install(),
            spec.name,
            spec.mac,
            spec.uuid,
            spec.profile,
            Stage.PLANNED,
            now,
            now,
            loader=spec.netboots_by,
            arch=tree.arch if tree.kernel else "",
        )


def _held(row: GuestRow, plan: Plan) -> GuestRow:
    """The row with the volumes that the plan makes for the guest alone."""
    kept: Volumes = tuple(
        (d.pool, name) for d, name in zip(row.spec.disks[1:], row.holdings.data, strict=True) if name
    )
    if row.holdings.keep and not row.spec.disk.volume:
        kept = ((row.spec.disk.pool, row.volume), *kept)
    made = tuple(
        (step.pool, step.name)
        for step in plan.steps
        if isinstance(step, CreateVolume | UploadVolume) and step.undo is not None
    )
    owned = tuple(dict.fromkeys((*made, *kept)))
    holdings = replace(row.holdings, owned=owned, temporary=plan.temporary)
    return replace(row, holdings=holdings, first_stage=bool(plan.first_xml))


def _answered(spec: GuestSpec, given: Given) -> str:
    if given.seed is None:
        return ""
    names = ", ".join(name for name, _ in given.seed.files)
    return f"{names} is on the volume {given.seed.label} of {spec.name}"
