"""Guests: create, list, show, switch, rebuild, delete. What is not ours is listed at most, never touched."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from provisioner.core.errors import Conflict, NotFound, Unavailable
from provisioner.core.guest import GuestSpec
from provisioner.core.host import Domain
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.plan.steps import HostStep, Plan, SetAutostart, StartDomain, StopDomain
from provisioner.service.addresses import find_address
from provisioner.service.drafts import Draft, Drafts
from provisioner.service.each import each
from provisioner.service.execution import Execution, carry_out_removal
from provisioner.service.over import over
from provisioner.service.ports import Clock, GuestRow, Hosts, Hypervisor, Store, TokenKind
from provisioner.service.removal import removal_of
from provisioner.service.requests import Address, CreateGuest, Creation, Guest, Rebuild
from provisioner.service.tokens import Tokens

AS_IT_WAS = Rebuild()
Made = tuple[str, Creation | Exception]
"""A guest's name, and what became of its making."""


def _unknown(mac: str) -> str | None:
    return None


class Guests:
    """`neighbour` gives the address that the host's neighbour table has for a MAC."""

    def __init__(
        self,
        store: Store,
        hosts: Hosts,
        tokens: Tokens,
        clock: Clock,
        drafts: Drafts,
        execution: Execution,
        *,
        neighbour: Callable[[str], str | None] = _unknown,
    ) -> None:
        self._store = store
        self._hosts = hosts
        self._tokens = tokens
        self._clock = clock
        self._neighbour = neighbour
        self._locks: dict[str, asyncio.Lock] = {}
        self.drafts = drafts
        self.execution = execution

    async def close(self) -> None:
        """Waits for the guests that are being made."""
        await self.execution.close()

    async def dry_run(self, request: CreateGuest) -> Plan:
        """The plan that `create` would carry out, masked; nothing is changed."""
        return (await self.drafts.new(request)).shown

    async def create(self, request: CreateGuest) -> Creation:
        """A guest that is switched on and asks for its installer, or nothing at all."""
        draft = await self.drafts.new(request)
        return self._creation(draft, await self.execution.begin(draft))

    async def create_each(self, requests: Sequence[CreateGuest], *, at_once: int = 0) -> AsyncGenerator[Made]:
        """All of them, each as `create` makes it: what stands against one holds up no other.

        Gives each as it is done. Who stops listening stops those that were not begun. With `at_once` so many
        of these installs run at a time: the next begins when one is over.
        """
        until = self._over if at_once else None
        making = each(requests, self.create, at_once=at_once, until=until)
        async with aclosing(making):
            async for request, made in making:
                yield request.name, made

    async def _over(self, made: Creation) -> Install:
        return await over(self._store, made.install.id)

    async def rebuild(self, name: str, wish: Rebuild = AS_IT_WAS) -> Creation:
        """Installs a guest anew. An install of it that runs is cancelled first."""
        async with self._lock(name):
            row = await self.ours(name)
            if self.execution.waits(row.install):
                raise Conflict(
                    f"guest {name} waits for its turn to be installed already",
                    remedy=f"end that first: provisioner install cancel {name}",
                )
            draft = await self.drafts.rebuilt(row, wish)
            install = await self.execution.rebuild(draft)
        return self._creation(draft, install)

    async def list(self, *, all: bool = False) -> list[Guest]:
        """Our guests, and with `all` the domains that are not ours, of every host that has guests of ours.

        Raises Unavailable where the configured host is down; guests of another that is are listed as such.
        """
        rows = await self._store.guests()
        runs = {run.id: run for run in await self._store.installs(limit=2 * len(rows))} if rows else {}
        found: list[Guest] = []
        for uri in dict.fromkeys(["", *(row.uri for row in rows)]):
            mine = [row for row in rows if row.uri == uri]
            try:
                domains = await self._hosts(uri).domains()
            except Unavailable:
                if not uri:
                    raise
                lost = [await self._seen(row, None, runs.get(row.install)) for row in mine]
                found += [replace(guest, state="host down") for guest in lost]
                continue
            known = {domain.uuid: domain for domain in domains}
            found += [await self._seen(row, known.get(row.spec.uuid), runs.get(row.install)) for row in mine]
            if all:
                uuids = {row.spec.uuid for row in mine}
                found += [_foreign(domain) for domain in domains if domain.uuid not in uuids]
        return sorted(found, key=lambda guest: guest.name)

    async def show(self, name: str) -> Guest:
        """One guest with its address and, where it has one, its ssh line."""
        row = await self._row(name)
        domain = _domain_of(row.spec, await self._hosts(row.uri).domains())
        return await self._seen(row, domain, address=True)

    async def start(self, name: str) -> None:
        await self._apply(name, lambda spec: StartDomain(spec.name, spec.uuid))

    async def destroy(self, name: str) -> None:
        """Forced power-off."""
        await self._apply(name, lambda spec: StopDomain(spec.name, spec.uuid))

    async def autostart(self, name: str, on: bool) -> None:
        await self._apply(name, lambda spec: SetAutostart(spec.name, spec.uuid, on))

    async def shutdown(self, name: str) -> None:
        await self._hypervisor(await self.ours(name)).shutdown(name)

    async def reboot(self, name: str) -> None:
        await self._hypervisor(await self.ours(name)).reboot(name)

    async def xml(self, name: str) -> str:
        """The domain's XML as libvirt has it, its boot token as `***`."""
        row = await self.ours(name)
        install = await self._store.install(row.install)
        text = await self._hypervisor(row).xml(name)
        kinds: tuple[TokenKind, ...] = ("stub", "answer", "report")
        for kind in kinds:
            text = text.replace(self._tokens.mint(install.id, kind, install.generation), "***")
        return text

    async def removal(self, name: str) -> Plan:
        """What `delete` would take away."""
        row = await self._row(name)
        return removal_of(row)

    async def delete(self, name: str) -> Plan:
        """Ends the guest's install, removes domain and disk, forgets the guest; its installs stay."""
        async with self._lock(name):
            plan = await self.removal(name)
            row = await self._store.guest(name)
            if self.execution.waits(row.install):
                await self._end(row, f"guest {name} was deleted before its turn came")
                await self.execution.given_up(row.install)
                try:
                    plan, row = await self.removal(name), await self._store.guest(name)
                except NotFound:
                    return plan  # it was made anew, and is taken back
            if row.install in self.execution.busy:
                raise Conflict(f"guest {name} is being made right now", remedy="try again in a moment")
            if not (await self._store.install(row.install)).over:
                await self._end(row, f"guest {name} was deleted")
            await carry_out_removal(plan, self._hypervisor(row))
            await self._store.remove_guest(name)
            await self._store.close_journal(row.install)
        return plan

    async def _end(self, row: GuestRow, text: str) -> None:
        ended = Event(Kind.CANCELLED, self._clock(), "service", row.spec.mac, row.install, text)
        await self._store.record([ended])

    async def _row(self, name: str) -> GuestRow:
        """Raises NotFound, or Conflict where a domain of that name is not ours."""
        try:
            return await self._store.guest(name)
        except NotFound:
            for domain in await self._hosts("").domains():
                if domain.name == name:
                    raise _not_ours(domain) from None
            raise

    async def ours(self, name: str) -> GuestRow:
        """The row of a guest whose domain is there and carries our mark."""
        row = await self._row(name)
        domains = await self._hypervisor(row).domains()
        domain = _domain_of(row.spec, domains)
        if domain is None:
            other = next((d for d in domains if d.name == name), None)
            if other is not None:
                raise _not_ours(other)
            raise Conflict(
                f"guest {name} is no longer in libvirt: somebody removed its domain",
                remedy=f"provisioner guest delete {name}",
            )
        if not domain.ours:
            raise _not_ours(domain)
        return row

    async def _apply(self, name: str, step: Callable[[GuestSpec], HostStep]) -> None:
        row = await self.ours(name)
        await self._hypervisor(row).apply(step(row.spec))

    def _hypervisor(self, row: GuestRow) -> Hypervisor:
        return self._hosts(row.uri)

    def _creation(self, draft: Draft, install: Install) -> Creation:
        spec = draft.row.spec
        guest = Guest(
            name=spec.name,
            uuid=spec.uuid,
            state="shut off" if install.stage is Stage.CREATING else "running",
            ours=True,
            memory=spec.memory,
            vcpus=spec.vcpus,
            autostart=spec.autostart,
            mac=spec.mac,
            profile=spec.profile,
            install=install,
        )
        return Creation(install, guest, draft.shown)

    async def _seen(
        self, row: GuestRow, domain: Domain | None, install: Install | None = None, *, address: bool = False
    ) -> Guest:
        spec = row.spec
        install = install or await self._store.install(row.install)
        found = None
        if address or spec.nic.kind == "user":  # which is known without asking anybody
            found = await find_address(self._store, self._hypervisor(row), self._neighbour, install, spec.nic)
        return Guest(
            name=spec.name,
            uuid=spec.uuid,
            state=domain.state if domain else "missing",
            ours=True,
            memory=domain.memory if domain else spec.memory,
            vcpus=domain.vcpus if domain else spec.vcpus,
            autostart=domain.autostart if domain else spec.autostart,
            mac=spec.mac,
            profile=spec.profile,
            install=install,
            address=found,
            ssh=_ssh(found) if found and row.secrets.get("ssh_keys") else None,
            host=row.uri,
            screen=bool(domain and domain.screen),
        )

    def lock(self, name: str) -> asyncio.Lock:
        """Held while a guest is cloned: nobody deletes or rebuilds it meanwhile."""
        return self._lock(name)

    def _lock(self, name: str) -> asyncio.Lock:
        """Two rebuilds, or a rebuild and a delete, of one guest wait for each other."""
        return self._locks.setdefault(name, asyncio.Lock())


def _domain_of(spec: GuestSpec, domains: list[Domain]) -> Domain | None:
    return next((domain for domain in domains if domain.uuid == spec.uuid), None)


def _ssh(found: Address) -> str:
    port = f"-p {found.port} " if found.source == "forward" else ""
    return f"ssh {port}root@{found.ip}"


def _foreign(domain: Domain) -> Guest:
    mac = domain.macs[0] if domain.macs else ""
    return Guest(
        domain.name, domain.uuid, domain.state, False, domain.memory, domain.vcpus, domain.autostart, mac
    )


def _not_ours(domain: Domain) -> Conflict:
    if domain.ours:
        return Conflict(
            f"{domain.name} was made by provisioner, but not by this service's store: it is left alone",
            remedy=f"where nobody needs it: virsh undefine --nvram {domain.name}",
        )
    return Conflict(
        f"{domain.name} is a domain that provisioner did not create; it is never touched",
        remedy=f"virsh handles it: virsh dominfo {domain.name}",
    )
