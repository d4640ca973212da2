"""What a method adds to the plan of a guest."""

from dataclasses import dataclass

from provisioner.core.guest import GuestSpec
from provisioner.core.host import HostFacts
from provisioner.plan.given import FirstStage, Given, Seed, volume_path
from provisioner.plan.steps import MakeSeed, Step, UploadVolume


@dataclass(frozen=True, slots=True)
class Prepared:
    """`before` come before the domain is defined. `system` replaces the steps that make an empty system disk.

    `seed` is the host's path of a seed that stays with the guest. `temporary` are volumes, as (pool, name),
    that go when the first stage is over.
    """

    before: tuple[Step, ...] = ()
    system: tuple[Step, ...] | None = None
    first: FirstStage | None = None
    seed: str = ""
    temporary: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file of ours that becomes a volume of the guest: the steps, and where the host has it then."""

    steps: tuple[Step, ...]
    path: str
    volume: tuple[str, str]


def upload(spec: GuestSpec, host: HostFacts, given: Given, suffix: str, make: Step, file: str) -> Uploaded:
    """`make` brings forth `file`; its volume lies beside the system disk and bears the install's name."""
    name = f"{spec.name}-{given.install}-{suffix}"
    path = volume_path(host, spec.disk.pool, name)
    return Uploaded((make, UploadVolume(spec.disk.pool, name, file)), path, (spec.disk.pool, name))


def seed_volume(spec: GuestSpec, host: HostFacts, given: Given, seed: Seed) -> Uploaded:
    """The seed as a volume of the guest."""
    file = f"{given.work}/{seed.label.lower()}.iso"
    return upload(spec, host, given, "seed", MakeSeed(seed.label, file, seed.files), file)
