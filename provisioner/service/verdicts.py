"""What can be said of a guest that somebody is still describing: each field by itself, all that is wrong.

`Drafts.new` raises the first thing that stands against a request; here every check is asked, and one that
passes tells what it found.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from provisioner.core.errors import NotFound, ProvisionerError
from provisioner.core.guest import Disk, GuestSpec, Method, Nic, parse_boot
from provisioner.core.host import HostFacts
from provisioner.core.machine import check_name
from provisioner.core.profile import Profile, Tree
from provisioner.plan.checks import CHECKS
from provisioner.plan.needs import check_disk, check_memory
from provisioner.plan.steps import Plan
from provisioner.plan.verdict import Readings
from provisioner.plan.verdict import judge as judge_network
from provisioner.service.drafts import Drafts
from provisioner.service.ports import Store
from provisioner.service.preflight import image_verdict, memory_verdict
from provisioner.service.requests import CreateGuest, Served
from provisioner.service.specs import method_of, secrets_of

Severity = Literal["good", "warn", "fail"]
_GIB = 1024**3


@dataclass(frozen=True, slots=True)
class FieldVerdict:
    """`field` is a request's own (`disks`, `networks`, `memory`); "" where it cannot be said of one."""

    field: str
    severity: Severity
    sentence: str
    remedy: str = ""


@dataclass(slots=True)
class Judged:
    """`plan` is masked, and None where something stands against the request."""

    verdicts: list[FieldVerdict] = field(default_factory=list)
    plan: Plan | None = None

    @property
    def failed(self) -> bool:
        return any(found.severity == "fail" for found in self.verdicts)

    def tell(self, field: str, severity: Severity, sentence: str, remedy: str = "") -> None:
        """Once: two checks may find the same."""
        if sentence and not any(found.sentence == sentence for found in self.verdicts):
            self.verdicts.append(FieldVerdict(field, severity, sentence, remedy))

    @contextmanager
    def about(self, field: str) -> Iterator[None]:
        """Whatever is refused inside is a failed verdict about the field."""
        try:
            yield
        except ProvisionerError as error:
            self.tell(field, "fail", str(error), error.remedy)


_SAMPLE = GuestSpec(
    "guest", "", "00000000-0000-4000-8000-000000000000", nics=(Nic("user", "", "52:54:00:00:00:01"),)
)
# What a field is taken to be meanwhile, where its own text cannot be read.
_BLANK: Mapping[str, object] = {
    "name": "guest",
    "disks": (),
    "networks": (),
    "boot": "bios",
    "memory": None,
    "vcpus": None,
    "variables": {},
    "ssh_keys": (),
    "root_password_hash": "",
}


class Verdicts:
    """`dry_run` plans a request as it would be carried out, and raises what stands against it."""

    def __init__(
        self,
        store: Store,
        drafts: Drafts,
        served: Served,
        dry_run: Callable[[CreateGuest], Awaitable[Plan]],
    ) -> None:
        self._store = store
        self._drafts = drafts
        self._served = served
        self._dry_run = dry_run

    async def judge(self, request: CreateGuest, names: Sequence[str] = ()) -> Judged:
        """Of one guest, or of such a guest under each of the names. Raises nothing that a request can be
        blamed for.
        """
        judged = Judged()
        readable = _texts(request, judged)
        with judged.about({"iso": "cdrom", "url": "location"}.get(request.method, "method")):
            await self._look(readable, method_of(readable), judged, names or [request.name])
        if not judged.failed:
            with judged.about(""):
                judged.plan = await self._dry_run(request)
        known = [found.sentence for found in judged.verdicts]
        for warning in judged.plan.warnings if judged.plan else ():
            if not any(sentence in warning for sentence in known):
                judged.tell("", "warn", warning)
        return judged

    async def _look(self, request: CreateGuest, method: Method, judged: Judged, names: Sequence[str]) -> None:
        what: tuple[Profile | None, Tree, bool] | None = None
        with judged.about("location" if request.location else "profile"):
            what = await self._drafts.what(request, method)
        where: tuple[str, HostFacts] | None = None
        with judged.about("connect"):
            where = await self._drafts.where(request)
        if where is None:
            return
        profile, tree, _ = what or (None, Tree("", ""), False)
        uri, host = where
        # Without a known system to install, what is asked of memory, disk and network can still be told.
        spec: GuestSpec | None = None
        with judged.about(_medium(request)):
            spec = await self._drafts.spec(request, method, profile, tree, uri, host)
        if spec is None:
            return
        for name, look in CHECKS.items():
            with judged.about(name):
                look(spec, host)
        for name in names[1:]:
            with judged.about("name"):
                CHECKS["name"](replace(spec, name=name), host)
        await self._size(spec, host, profile, tree, judged)
        _several(spec, host, len(names), judged)
        if method == "pxe" and spec.nic.kind != "user":
            self._network(spec.nic, host, judged)
        for name, text in _good(spec, host).items():
            if not any(found.field == name for found in judged.verdicts):
                judged.tell(name, "good", text)

    async def _size(
        self, spec: GuestSpec, host: HostFacts, profile: Profile | None, tree: Tree, judged: Judged
    ) -> None:
        with judged.about("memory"):
            judged.tell("memory", "warn", check_memory(spec, tree))
        with judged.about("disks"):
            if not (profile and profile.image):
                judged.tell("disks", "warn", check_disk(spec, tree))
        if profile is None:
            return
        with judged.about("disks"):
            try:
                await image_verdict(self._store, profile, spec)
            except NotFound as error:
                judged.tell("profile", "fail", str(error), error.remedy)

    def _network(self, nic: Nic, host: HostFacts, judged: Judged) -> None:
        here = urlsplit(host.uri).hostname is None
        for found in judge_network(Readings(nic, host, self._served(), here=here)):
            judged.tell("networks", found.severity, found.sentence, found.remedy)


def _several(spec: GuestSpec, host: HostFacts, count: int, judged: Judged) -> None:
    """What all of them together ask of the host, which lends more than it has without a word."""
    if count == 1:
        for sentence in memory_verdict(spec, host):
            judged.tell("memory", "warn", sentence)
        return
    if host.memory and count * spec.memory + _lent(host) > host.memory:
        what = f"{count} guests with {spec.memory} MiB each and those that run"
        judged.tell("memory", "warn", f"{what} have more than the {host.memory} MiB of the host")
    pool = next((pool for pool in host.pools if pool.name == spec.disk.pool), None)
    size = spec.disk.size
    if pool is not None and not spec.disk.volume and count * size * _GIB > pool.available:
        left = f"{pool.available / _GIB:.1f} GiB that pool {pool.name} has left"
        judged.tell("disks", "warn", f"{count} disks of {size:g} GiB grow beyond the {left}")


def _lent(host: HostFacts) -> int:
    """MiB of memory that the guests that run have."""
    return sum(domain.memory for domain in host.domains if domain.state == "running")


def _texts(request: CreateGuest, judged: Judged) -> CreateGuest:
    """The request with a blank in the place of each text that cannot be read; why is told."""
    parts: tuple[tuple[str, Callable[[], object]], ...] = (
        ("name", lambda: check_name(request.name, "guest name")),
        ("disks", lambda: [Disk.parse(text) for text in request.disks]),
        ("networks", lambda: [Nic.parse(text) for text in request.networks]),
        ("boot", lambda: parse_boot(request.boot)),
        (
            "memory",
            lambda: replace(_SAMPLE, memory=_SAMPLE.memory if request.memory is None else request.memory),
        ),
        ("vcpus", lambda: replace(_SAMPLE, vcpus=_SAMPLE.vcpus if request.vcpus is None else request.vcpus)),
        ("variables", lambda: secrets_of(_only(request, variables=request.variables))),
        ("ssh_keys", lambda: secrets_of(_only(request, ssh_keys=request.ssh_keys))),
        (
            "root_password_hash",
            lambda: secrets_of(_only(request, root_password_hash=request.root_password_hash)),
        ),
    )
    blank: dict[str, Any] = {}
    for name, read in parts:
        before = len(judged.verdicts)
        with judged.about(name):
            read()
        if len(judged.verdicts) > before:
            blank[name] = _BLANK[name]
    return replace(request, **blank)


def _only(request: CreateGuest, **given: Any) -> CreateGuest:
    return replace(CreateGuest(request.name), **given)


def _medium(request: CreateGuest) -> str:
    """The field that a medium or an image comes from, which is looked up with the spec."""
    return "cdrom" if request.cdrom else "disks" if request.method == "import" else ""


def _good(spec: GuestSpec, host: HostFacts) -> dict[str, str]:
    """What is found where nothing stands against a field."""
    found = {
        "name": f"{spec.name} is free",
        "vcpus": f"{spec.vcpus} of {host.max_vcpus} that a guest may have",
    }
    if host.memory:
        found["memory"] = (
            f"{spec.memory} MiB; {max(0, host.memory - _lent(host))} of {host.memory} MiB are free"
        )
    pool = next((pool for pool in host.pools if pool.name == spec.disk.pool), None)
    if pool is not None and not spec.disk.volume:
        size = f"{spec.disk.size:g} GiB" if spec.disk.size else "as large as its image"
        found["disks"] = f"{size}; pool {pool.name} has {pool.available / _GIB:.1f} GiB left"
    if spec.nic.kind == "user":
        found["networks"] = "QEMU's own network, which needs no rights and no netboot there"
    else:
        found["networks"] = f"{spec.nic.kind} {spec.nic.source} is there"
    return found
