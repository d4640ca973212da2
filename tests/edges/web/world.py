"""A small world behind both listeners: the real store and tokens, stand-ins for what needs a hypervisor."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp

from provisioner.answers.finding import Finding
from provisioner.core.errors import Conflict, NotFound
from provisioner.core.firmware import Dialect
from provisioner.core.guest import GuestSpec, Nic
from provisioner.core.host import Network
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.core.profile import Profile
from provisioner.media.evidence import Evidence
from provisioner.plan.steps import CreateVolume, Plan
from provisioner.service.booting import Booting
from provisioner.service.explain import Explain
from provisioner.service.host_variables import HostVariables
from provisioner.service.hosts import Registry
from provisioner.service.ids import RandomIds
from provisioner.service.machines import Machines
from provisioner.service.mirror_rules import Rules
from provisioner.service.mirror_snippets import MirrorSnippets
from provisioner.service.pace import Paces
from provisioner.service.ports import GuestRow
from provisioner.service.reports import Reports
from provisioner.service.requests import Address, CreateGuest, Creation, Guest
from provisioner.service.texts import Answer
from provisioner.service.tokens import Tokens
from provisioner.service.unlocking import Unlocking
from provisioner.service.why import Why
from provisioner.store.database import Database
from provisioner.web.app import guest_app, people_app
from provisioner.web.listener import Listener
from provisioner.web.services import Services
from provisioner.web.services_mirror import MirrorCases
from tests.connections import FakeConnections, FakeValidator
from tests.edges.web.labs import FakeLabs
from tests.edges.web.life import FakeClones, FakeLife, FakeRebuilds, FakeSnapshots, FakeStarts
from tests.edges.web.networks import network_cases
from tests.edges.web.things import (
    MAC,
    UUID,
    FakeBootMedia,
    FakeDifferences,
    FakeFiles,
    FakeImages,
    FakeProfiles,
    FakeTrees,
    scan,
    secrets_of,
)
from tests.edges.web.upstream import FakeUpstream
from tests.edges.web.verdicts import FakeVerdicts
from tests.fake_mirror import FakeMirror
from tests.fake_storage import FakeStorageHost, loaders, media, storage
from tests.fakes import no_staging
from tests.segments import FakeNetworkHost, FakeSegments

TOKEN = "t" * 20 + "0123456789abcdefghijklmn"
SECRET = "hunter2-root-password"
ANSWER = f"rootpw --plaintext {SECRET}\nreboot\n"
LOADER = b"MZ" + b"x" * 3000


def now() -> datetime:
    return datetime.now(UTC)


async def arguments(install: Install, root: str) -> tuple[str, str, str]:
    """Kernel, initrd and kernel command line of every script."""
    return f"{root}/tree/t/vmlinuz", f"{root}/tree/t/initrd", f"install={install.id}"


@dataclass
class FakeAnswers:
    text: str = ANSWER
    unchecked: str = ""

    async def for_install(self, install: Install, root: str, file: str) -> Answer:
        if file in ("meta-data", "vendor-data", "network-config"):
            return Answer(f"{file} of {install.id}\n")
        if file != "ks.cfg":
            raise NotFound(f"this install asks for ks.cfg, not {file}")
        return Answer(self.text, "rootpw ***\n", self.unchecked)

    async def preview(self, guest: str) -> str:
        return "rootpw ***\n"

    async def render(self, text: str, family: str, release: str, variables: Mapping[str, object]) -> str:
        return text.upper()

    async def lint(self, text: str, family: str, release: str) -> list[Finding]:
        return [] if "reboot" in text else [Finding(1, "no reboot")]


class FakeGuests:
    def __init__(self) -> None:
        self.calls: list[str] = []
        self.guests: dict[str, Guest] = {}

    def _plan(self, request: CreateGuest) -> Plan:
        steps = (CreateVolume("default", f"{request.name}-1.qcow2", 4 * 1024**3, "qcow2"),)
        return Plan(request.name, "i1", steps, ("be careful",))

    async def dry_run(self, request: CreateGuest) -> Plan:
        return self._plan(request)

    async def create(self, request: CreateGuest) -> Creation:
        if request.name in self.guests:
            raise Conflict(f"{request.name} is taken", remedy="choose another name")
        install = Install("i1", request.name, MAC, UUID, request.profile, Stage.BOOTING, now(), now())
        guest = Guest(
            request.name,
            UUID,
            "running",
            True,
            request.memory or 512,
            1,
            False,
            MAC,
            request.profile,
            install,
        )
        self.guests[request.name] = guest
        return Creation(install, guest, self._plan(request))

    async def create_each(
        self, requests: Sequence[CreateGuest], *, at_once: int
    ) -> AsyncGenerator[tuple[str, Any]]:
        for request in requests:
            if request.name == "broken":
                yield request.name, RuntimeError("a secret of the service")
                continue
            try:
                yield request.name, await self.create(request)
            except Conflict as error:
                yield request.name, error

    async def list(self, *, all: bool = False) -> list[Guest]:
        foreign = [Guest("alien", UUID, "running", False, 1024, 2, True, "")] if all else []
        return [*self.guests.values(), *foreign]

    async def show(self, name: str) -> Guest:
        if name not in self.guests:
            raise NotFound(f"no guest is called {name!r}", remedy="provisioner guest list")
        return replace(self.guests[name], address=Address("192.0.2.7", "lease"), ssh="ssh root@192.0.2.7")

    async def _note(self, verb: str, name: str) -> None:
        await self.show(name)
        self.calls.append(f"{verb} {name}")

    async def xml(self, name: str) -> str:
        await self.show(name)
        return "<domain/>"

    async def start(self, name: str) -> None:
        await self._note("start", name)

    async def shutdown(self, name: str) -> None:
        await self._note("shutdown", name)

    async def reboot(self, name: str) -> None:
        await self._note("reboot", name)

    async def destroy(self, name: str) -> None:
        await self._note("destroy", name)

    async def autostart(self, name: str, on: bool) -> None:
        await self._note(f"autostart {on}", name)

    async def delete(self, name: str) -> object:
        await self._note("delete", name)
        return self.guests.pop(name)


@dataclass
class FakeInstalls:
    store: Database

    async def why(self, ref: str) -> Why:
        install = await self.store.install(ref)
        events = await self.store.events(install=install.id)
        last = events[-1] if events else None
        told = ("a DHCP question", "a cable", "plug it in", "no-link", "It is a cable.")
        return Why(install.id, install.stage, last, *told, tuple(events[-1:]))

    async def cancel(self, ref: str) -> Install:
        install = await self.store.install(ref)
        await self.store.record(
            [Event(Kind.CANCELLED, now(), "service", install=install.id, text="asked to")]
        )
        return await self.store.install(ref)


class FakeHost:
    async def networks(self) -> list[Network]:
        return [Network("default", "nat", True, bridge="virbr0")]


class World:
    """Both listeners on free ports. `get` asks the guests' one, `ask` the people's one with the token."""

    def __init__(self, folder: Path, empty: Path) -> None:
        """`empty` is a database of the present form, copied instead of made anew; the folder's own stays."""
        if empty != folder / "web.db":
            shutil.copy(empty, folder / "web.db")
        self.store = Database(f"sqlite+aiosqlite:///{folder / 'web.db'}")
        self.tokens = Tokens(b"k" * 32, self.store, now)
        self.answers = FakeAnswers()
        self.differences = FakeDifferences()
        self.labs = FakeLabs()
        self.guests = FakeGuests()
        self.life = FakeLife(self.guests)
        self.profiles = FakeProfiles({"p": Profile("p", "rhel", "t", "rhel/ks.cfg.j2")})
        self.upstream = FakeUpstream()
        self.connections, self.validator = FakeConnections(), FakeValidator()
        self.hosts = Registry(
            self.store, self.connections, self.validator, local="qemu:///system", configured={}
        )
        self.pools = FakeStorageHost("default")
        self.segments = FakeSegments()
        self.network_host = FakeNetworkHost()
        self.networks = network_cases(self.store, self.network_host, self.segments)
        self.rules = Rules(self.store, folder / "offline")
        trees = FakeTrees(self.store, self.rules)
        self.mirror = FakeMirror(folder / "mirror", trees, self.rules, now)
        self.files = FakeFiles()
        self.evidence = Evidence(folder / "evidence")
        self.ended: list[str] = []
        """The installs that a report has ended."""
        self.neighbours: dict[str, str] = {}
        self.ready_error: Exception | None = None
        self.services = Services(
            store=self.store,
            clock=now,
            state_dir=folder / "state",
            booting=Booting(
                self.store,
                self.tokens,
                now,
                arguments,
                loaders={"snponly.efi": LOADER},
                neighbour=self.neighbours.get,
            ),
            tokens=self.tokens,
            unlock=Unlocking(self.tokens, self.store, self.neighbours.get),
            answers=self.answers,
            differences=self.differences,
            guests=self.guests,
            verdicts=FakeVerdicts(self.guests),
            life=self.life,
            clones=FakeClones(self.guests),
            rebuilds=FakeRebuilds(self.guests),
            labs=self.labs,
            snapshots=FakeSnapshots(self.guests),
            starts=FakeStarts(self.guests),
            installs=FakeInstalls(self.store),
            paces=Paces(self.store, now),
            reports=Reports(self.store, self.evidence, now, secrets_of, self._ended, scan),
            evidence=self.evidence,
            profiles=self.profiles,
            explain=Explain(self.store, self.profiles, HostVariables({}, self.hosts.all)),
            trees=trees,
            images=FakeImages(),
            machines=Machines(self.store, self.tokens, self.profiles, now, RandomIds(), no_staging),
            boot_media=FakeBootMedia(),
            storage=storage(folder, self.pools),
            media=media(folder, self.pools),
            loaders=loaders(folder),
            networks=self.networks,
            mirror=MirrorCases(
                self.mirror.mirror, MirrorSnippets(trees, self.files, lambda: {"lo": "192.0.2.1"}, 8080, now)
            ),
            host=FakeHost,
            hosts=self.hosts,
            files=self.upstream,
            listing=self.upstream.list,
            neighbour=self.neighbours.get,
            ready=self._ready,
        )
        self.guest_root = self.people_root = ""
        self.guest_port = self.people_port = 0
        self.limits = {"per_address": 20, "total": 100}

    async def _ready(self) -> None:
        if self.ready_error is not None:
            raise self.ready_error

    async def __aenter__(self) -> "World":
        await self.store.open()
        self._listeners = [
            Listener(guest_app(self.services), header_seconds=2, first_seconds=1, **self.limits),
            Listener(people_app(self.services, TOKEN)),
        ]
        for listener in self._listeners:
            await listener.setup()
        wanted = zip(self._listeners, (self.guest_port, self.people_port), strict=True)
        ports = [await listener.listen("127.0.0.1", port) for listener, port in wanted]
        self.guest_port, self.people_port = ports
        self.guest_root, self.people_root = (f"http://127.0.0.1:{port}" for port in ports)
        self.session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.close()
        for listener in self._listeners:
            await listener.cleanup()
        await self.store.close()

    async def install(
        self, name: str = "web1", *, mac: str = MAC, profile: str = "p", loader: Dialect = "ipxe"
    ) -> Install:
        """A guest of ours whose install is booting, with its tokens good."""
        number = len(await self.store.installs())
        uuid = f"00000000-0000-4000-8000-{number:012d}"
        install = Install(
            f"install{number}", name, mac, uuid, profile, Stage.PLANNED, now(), now(), loader=loader
        )
        row = GuestRow(
            GuestSpec(name, profile, uuid, nics=(Nic("network", "default", mac),)),
            install.id,
            f"{name}.qcow2",
            now(),
            {},
        )
        await self.store.add_install(install, row)
        await self.tokens.issue(install)
        await self.event(Kind.CREATING, install.id)
        await self.event(Kind.STARTED, install.id)
        return await self.store.install(install.id)

    async def _ended(self, install: Install) -> None:
        self.ended.append(install.id)

    async def event(self, kind: Kind, install: str, text: str = "", **data: object) -> None:
        await self.store.record([Event(kind, now(), "test", install=install, text=text, data=data)])

    async def kinds(self, install: str = "") -> list[Kind]:
        return [event.kind for event in await self.store.events(install=install)]

    async def until(self, kind: Kind, count: int = 1) -> list[Event]:
        """The events of a kind once there are so many: what is sent is recorded after its last byte."""
        for _ in range(200):
            found = await self.store.events(kinds=[kind])
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"no {kind} came; there are {await self.kinds()}")

    def token(self, install: Install, kind: Any) -> str:
        return self.tokens.mint(install.id, kind, install.generation)

    async def get(self, path: str, **options: Any) -> tuple[int, bytes, Mapping[str, str]]:
        """From the guests' listener."""
        return await self._request(options.pop("method", "GET"), self.guest_root + path, **options)

    async def ask(
        self, method: str, path: str, body: object = None, **options: Any
    ) -> tuple[int, Any, Mapping[str, str]]:
        """From the people's listener, with the token unless `headers` are given; JSON is decoded."""
        options.setdefault("headers", {"Authorization": f"Bearer {TOKEN}"})
        options["headers"] = {"Accept-Encoding": "identity", **options["headers"]}
        if body is not None:
            options["json"] = body
        status, raw, headers = await self._request(method, self.people_root + path, **options)
        if "json" in headers.get("Content-Type", "") and "ndjson" not in headers["Content-Type"] and raw:
            import json

            return status, json.loads(raw), headers
        return status, raw.decode("utf-8", "replace"), headers

    async def _request(self, method: str, url: str, **options: Any) -> tuple[int, bytes, Mapping[str, str]]:
        from yarl import URL

        options.setdefault("allow_redirects", False)
        async with self.session.request(method, URL(url, encoded=True), **options) as response:
            return response.status, await response.read(), response.headers
