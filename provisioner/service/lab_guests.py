"""Guests of a lab: made, changed in place, made anew."""

import itertools
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

from provisioner.core.errors import Conflict, NotFound
from provisioner.core.guest import GuestSpec
from provisioner.core.lab import Change
from provisioner.plan.definition import unmasked, with_hardware
from provisioner.plan.steps import DefineDomain, SetAutostart
from provisioner.service.lab_cases import Cases
from provisioner.service.lab_seals import Seals, profile_digests
from provisioner.service.ports import GuestRow
from provisioner.service.requests import CreateGuest
from provisioner.service.specs import MEMORY, secrets_of

_SECRET = re.compile(r"(files|cloud_init|ssh_keys|root_password_hash|variables)\b")
_ADDRESS = re.compile(r",mac=[^,]*")
_OWN = (re.compile(r"<uuid>([^<]*)<"), re.compile(r"<mac address=\"([^\"]*)\""))
"""What a guest that is made anew keeps."""
_ROOM = 50


class LabGuests:
    def __init__(self, cases: Cases, seals: Seals) -> None:
        self._cases = cases
        self._seals = seals

    async def create(self, asked: CreateGuest) -> str:
        made = await self._cases.guests.create(asked)
        return "made" if made.install.over else f"install {made.install.id} has begun"

    async def change(self, change: Change, asked: CreateGuest) -> str:
        """Its definition is put right, with memory and processors as they are wanted; what only a rebuild
        takes up is written down for it.
        """
        name = asked.name
        async with self._cases.guests.lock(name):
            await self._idle(name)
            running = await self._define(await self.changed(change, asked))
        waits = any(
            one.path in ("memory", "vcpus") or one.path.startswith("xml ") for one in change.differences
        )
        return "changed; it takes effect when it is next switched on" if running and waits else "changed"

    async def mend(self, name: str) -> str:
        """Puts its definition right, and nothing else."""
        async with self._cases.guests.lock(name):
            await self._define(await self._idle(name))
        return "changed"

    async def replace(self, asked: CreateGuest, before: Callable[[], Awaitable[None]]) -> str:
        """Removes it and makes it anew, under the addresses that it had, once the new one could be made."""
        row = await self._idle(asked.name)
        await self._cases.guests.dry_run(await self._elsewhere(asked))
        await self._cases.life.delete(asked.name)
        await before()
        kept = asked
        if not asked.mac and not any("mac=" in text for text in asked.networks):
            kept = replace(kept, mac=row.spec.mac)
        return await self.create(replace(kept, uuid=asked.uuid or row.spec.uuid))

    async def anew(self, asked: CreateGuest) -> tuple[str, str]:
        """The definitions that a guest was planned with, and that of the one which would come in its place,
        secrets as ***. Raises what stands against that.
        """
        row = await self._cases.store.guest(asked.name)
        install = await self._cases.store.install(row.install)
        other = await self._elsewhere(asked)
        plan = await self._cases.guests.dry_run(other)
        now = (await self._cases.guests.drafts.again(install, row)).shown.xml
        then = plan.xml.replace(plan.install, row.install).replace(other.name, asked.name)
        for form in _OWN if not asked.mac else _OWN[:1]:
            for was, is_ in zip(form.findall(now), form.findall(then), strict=False):
                then = then.replace(is_, was)
        return now, then

    async def _elsewhere(self, asked: CreateGuest) -> CreateGuest:
        """The same guest beside the one that is there."""
        taken = {row.spec.name for row in await self._cases.store.guests()}
        names = (f"{asked.name[:_ROOM]}-new{number}" for number in itertools.count(1))
        name = next(name for name in names if name not in taken)
        networks = tuple(_ADDRESS.sub("", text) for text in asked.networks)
        return replace(asked, name=name, mac="", uuid="", networks=networks)

    async def changed(self, change: Change, asked: CreateGuest) -> GuestRow:
        """What a guest is remembered by once it is changed."""
        row = await self._cases.store.guest(asked.name)
        row = replace(row, spec=await self._wanted(row.spec, change, asked))
        if any(_SECRET.match(one.path) for one in change.differences):
            row = replace(row, secrets=secrets_of(asked))
        return row

    async def mended(self, row: GuestRow) -> tuple[str, str]:
        """The definition that a guest has, and the one that its row asks for, secrets as ***."""
        right, spec = await self._seals.right(row), row.spec
        was = (await self._cases.store.guest(spec.name)).spec
        if (was.memory, was.vcpus) != (spec.memory, spec.vcpus):
            right = with_hardware(right, spec.memory, spec.vcpus)
        return await self._seals.present(row), right

    async def _idle(self, name: str) -> GuestRow:
        """Raises Conflict while it is being installed: that is never disturbed."""
        row = await self._cases.store.guest(name)
        if not (await self._cases.store.install(row.install)).over:
            raise Conflict(
                f"guest {name} is being installed: nothing is done to it now",
                remedy=f"provisioner install wait {name}, then apply again",
            )
        return row

    async def _wanted(self, spec: GuestSpec, change: Change, asked: CreateGuest) -> GuestSpec:
        """The spec with what of it is changed in place."""
        paths = {one.path for one in change.differences}
        memory, vcpus = await self._usual(spec)
        return replace(
            spec,
            memory=(asked.memory or memory) if "memory" in paths else spec.memory,
            vcpus=(asked.vcpus or vcpus) if "vcpus" in paths else spec.vcpus,
            profile=asked.profile if "profile" in paths else spec.profile,
            autostart=asked.autostart,
            extra_args=asked.extra_args,
            cloud_init=asked.cloud_init is not None,
        )

    async def _usual(self, spec: GuestSpec) -> tuple[int, int]:
        """Memory and processors of a guest of whom nobody asks for any."""
        if not spec.profile:
            return MEMORY, 1
        try:
            profile = await self._cases.profiles.get(spec.profile)
        except NotFound:
            return spec.memory, spec.vcpus
        return profile.memory, profile.vcpus

    async def _define(self, row: GuestRow) -> bool:
        """Gives a guest the definition of its row, and writes that down; whether it is on."""
        spec, host = row.spec, self._cases.hypervisors(row.uri)
        install = await self._cases.store.install(row.install)
        serial = self._cases.tokens.mint(install.id, "stub", install.generation)
        now, xml = await self.mended(row)
        if xml != now:
            step = DefineDomain(spec.name, spec.uuid, unmasked(xml, serial), replaces=True, known=True)
            await host.apply(step)
        await host.apply(SetAutostart(spec.name, spec.uuid, spec.autostart))
        await self._cases.store.put_guest(row)
        await self._seals.put([row], profile_digests(await self._cases.profiles.list()))
        return any(domain.uuid == spec.uuid and domain.on for domain in await host.definitions(()))
