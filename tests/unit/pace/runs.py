"""Installs told as a few words: what happened, at which second."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.pace.learn import Sample, sample
from provisioner.pace.marks import Run
from tests.fakes import START

GOOD: tuple[tuple[float, Kind], ...] = (
    (0, Kind.PLANNED),
    (0, Kind.CREATING),
    (2, Kind.STARTED),
    (6, Kind.DHCP_OFFER),
    (8, Kind.LOADER_SENT),
    (10, Kind.SCRIPT_SENT),
    (12, Kind.KERNEL_SENT),
    (20, Kind.INITRD_SENT),
    (40, Kind.ANSWER_SERVED),
    (190, Kind.SUCCEEDED),
    (200, Kind.REBOOTED),
)
"""A good run of 200 seconds."""
WAY = {"method": "pxe", "boot": "bios", "by": "kvm", "host": ""}
Happened = tuple[float, Kind] | tuple[float, Kind, dict[str, object]]


def install(name: str = "i", begun: datetime = START) -> Install:
    return Install(name, "web1", "m", "u", "p", Stage.PLANNED, begun, begun)


def events(happened: Sequence[Happened], begun: datetime = START) -> list[Event]:
    found = []
    for number, (at, kind, *more) in enumerate(happened, 1):
        data = WAY if kind is Kind.PLANNED else more[0] if more else {}
        found.append(Event(kind, begun + timedelta(seconds=at), "test", "m", "i", data=data, id=number))
    return found


def run(happened: Sequence[Happened], begun: datetime = START) -> Run:
    found = Run.begun(install(begun=begun))
    for event in events(happened, begun):
        found.see(event)
    return found


def slowed(
    stage: Kind, factor: float, happened: Sequence[tuple[float, Kind]] = GOOD
) -> list[tuple[float, Kind]]:
    """The good run, in which the time before `stage` took `factor` times as long."""
    late, before, found = 0.0, 0.0, []
    for at, kind in GOOD:
        if kind is stage:
            late = (at - before) * (factor - 1)
        found.append((at + late, kind))
        before = at
    return found


def kept(happened: Sequence[Happened] = GOOD, day: int = 0) -> Sample:
    found = sample(run(happened, START + timedelta(days=day)))
    assert found is not None
    return found
