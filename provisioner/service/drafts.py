"""From a request, or from a guest's row, to the plan that makes it: reading and planning, nothing done."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from provisioner.core.errors import Conflict, Invalid
from provisioner.core.guest import Disk, GuestSpec, Nic
from provisioner.core.host import HostFacts
from provisioner.core.install import Install, Stage
from provisioner.core.machine import check_name, normalise_mac, normalise_uuid
from provisioner.core.profile import Profile, Tree
from provisioner.plan.plan import masked, plan_guest, plan_rebuild, volume_name
from provisioner.plan.steps import DeleteVolume, Plan
from provisioner.service.ports import Clock, GuestRow, Hosts, Store
from provisioner.service.preflight import image_verdict, judge
from provisioner.service.requests import CreateGuest, Ids, ProfileSource, Served, TreeSource
from provisioner.service.tokens import Tokens

AnswerCheck = Callable[[Install, GuestRow, Profile, Tree], Awaitable[None]]
"""Renders and checks the answer file that the install will be given. Raises Invalid."""

_NIC = Nic("network", "default")
_KEY = re.compile(r"(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]+( [^\r\n\0]*)?")
_HASH = re.compile(r"\$[A-Za-z0-9./$=,_-]+")


@dataclass(frozen=True, slots=True)
class Draft:
    """An install that could be begun now. `serial` is the secret in `plan`."""

    install: Install
    row: GuestRow
    plan: Plan
    serial: str

    @property
    def shown(self) -> Plan:
        """The plan with its secret as `***`."""
        return masked(self.plan, self.serial)


class Drafts:
    def __init__(
        self,
        store: Store,
        hosts: Hosts,
        tokens: Tokens,
        profiles: ProfileSource,
        trees: TreeSource,
        clock: Clock,
        ids: Ids,
        log_dir: Path,
        served: Served,
        check_answer: AnswerCheck | None = None,
    ) -> None:
        self._store = store
        self._hosts = hosts
        self._tokens = tokens
        self._profiles = profiles
        self._trees = trees
        self._clock = clock
        self._ids = ids
        self._log_dir = log_dir
        self._served = served
        self._check_answer = check_answer

    async def new(self, request: CreateGuest) -> Draft:
        """Raises what stands against the request; the first thing that is wrong, in one sentence."""
        check_name(request.name, "guest name")
        secrets = _secrets(request)
        profile = await self._profiles.get(request.profile)
        spec = await self._spec(request, profile)
        if taken := await self._store.machine(name=spec.name, mac=spec.mac):
            raise Conflict(
                f"{spec.name if taken.name == spec.name else spec.mac} is taken by "
                f"{'guest' if taken.guest else 'machine'} {taken.name}",
                remedy="choose another name or MAC, or remove that one first",
            )
        install = self._install(spec)
        volume = volume_name(spec.name, install.id)
        row = GuestRow(spec, install.id, volume, install.created, secrets, request.connect)
        return await self._checked(install, row, profile)

    async def rebuilt(self, row: GuestRow) -> Draft:
        """A new install of a guest that exists, on an empty disk."""
        install = self._install(row.spec)
        volume = volume_name(row.spec.name, install.id)
        new = replace(row, install=install.id, volume=volume, old_volume=row.volume)
        draft = await self._checked(install, new, await self._profiles.get(row.spec.profile))
        if not row.old_volume:
            return draft
        left = DeleteVolume(row.spec.disk.pool, row.old_volume)  # by a rebuild that failed
        return replace(draft, plan=replace(draft.plan, steps=(*draft.plan.steps, left)))

    async def again(self, install: Install, row: GuestRow) -> Draft:
        """The plan of an install that was begun before: the same ids, so the same plan."""
        profile = await self._profiles.get(row.spec.profile)
        tree = await self._trees.get(profile.tree)
        host = await self._hosts(row.uri).facts()
        return self._draft(install, row, host, tree)

    async def _checked(self, install: Install, row: GuestRow, profile: Profile) -> Draft:
        tree = await self._trees.get(profile.tree)
        host = await self._hosts(row.uri).facts()
        verdicts = judge(row.spec, host, self._served(), rebuild=bool(row.old_volume))
        await image_verdict(self._store, profile, row.spec)
        await self._trees.reachable(tree)
        if self._check_answer is not None:
            await self._check_answer(install, row, profile, tree)
        draft = self._draft(install, row, host, tree)
        return replace(draft, plan=replace(draft.plan, warnings=draft.plan.warnings + verdicts))

    def _draft(self, install: Install, row: GuestRow, host: HostFacts, tree: Tree) -> Draft:
        serial = self._tokens.mint(install.id, "stub", install.generation)
        log = str(self._log_dir / f"{install.id}.log")
        if row.old_volume:
            plan = plan_rebuild(
                row.spec, host, tree, install=install.id, serial=serial, log=log, old_volume=row.old_volume
            )
        else:
            plan = plan_guest(row.spec, host, tree, install=install.id, serial=serial, log=log)
        return Draft(install, row, plan, serial)

    def _install(self, spec: GuestSpec) -> Install:
        now = self._clock()
        return Install(
            self._ids.install(), spec.name, spec.mac, spec.uuid, spec.profile, Stage.PLANNED, now, now
        )

    async def _spec(self, request: CreateGuest, profile: Profile) -> GuestSpec:
        return GuestSpec(
            name=request.name,
            profile=profile.name,
            mac=normalise_mac(request.mac) if request.mac else await self._free_mac(),
            uuid=normalise_uuid(request.uuid) if request.uuid else self._ids.uuid(),
            memory=profile.memory if request.memory is None else request.memory,
            vcpus=profile.vcpus if request.vcpus is None else request.vcpus,
            disk=Disk.parse(request.disk) if request.disk else Disk(profile.disk),
            nic=Nic.parse(request.network) if request.network else _NIC,
            boot=request.boot,
            rom=request.rom,
            extra_args=request.extra_args,
            autostart=request.autostart,
        )

    async def _free_mac(self) -> str:
        while await self._store.machine(mac=(mac := self._ids.mac())):
            pass
        return mac


def _secrets(request: CreateGuest) -> dict[str, str]:
    """What the answer file is given beside the spec. A text that could break out of its line is refused."""
    for number, key in enumerate(request.ssh_keys, 1):
        if not _KEY.fullmatch(key.strip()):
            raise Invalid(
                f"guest {request.name}: SSH key {number} is not a public key",
                remedy="give the line of a .pub file: ssh-ed25519 AAAA… comment",
            )
    hashed = request.root_password_hash
    if hashed and not _HASH.fullmatch(hashed):
        raise Invalid(
            f"guest {request.name}: the root password is not a crypt(3) hash",
            remedy="make one with: openssl passwd -6",
        )
    keys = "\n".join(key.strip() for key in request.ssh_keys)
    given = {"root_password_hash": hashed, "ssh_keys": keys}
    return {name: value for name, value in given.items() if value}
