"""Judges whether this host can install guests: from facts that were probed, one verdict a precondition.

A check that is not PASS names the commands that mend it. `safe` ones may be run unasked: they start or
make what is missing and change nothing that is there.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from provisioner.core.firmware import LOADERS
from provisioner.core.host import HostFacts
from provisioner.core.loaders import Family, LoaderFile, package, quarrel

Verdict = Literal["PASS", "WARN", "FAIL"]
Command = tuple[str, ...]
POOL_PATH = "/var/lib/libvirt/images"
_FAMILIES: tuple[Family, Family] = ("apt", "dnf")
SECURE_BOOT = ("shimx64.efi", "grubx64.efi")
DEFAULT_NETWORK = "/usr/share/libvirt/networks/default.xml"


@dataclass(frozen=True, slots=True)
class Device:
    """/dev/kvm as the file system has it."""

    mode: int
    group: str


@dataclass(frozen=True, slots=True)
class Port:
    """A door that `serve` opens. `free` was tried, not guessed; `holders` have it already, by name."""

    protocol: str
    number: int
    purpose: str
    free: bool
    holders: tuple[str, ...] = ()
    setting: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen. `host` is None where libvirt did not answer; then `libvirt_error` says why.

    `kvm_proof` is None where no kernel was there to prove it with; `barrier` is the first directory above
    the state directory that QEMU's user `qemu_user` cannot enter, "" where it can enter all. `tools` is how
    many programs were looked for; the missing ones come with their packages (apt, dnf). `rootless` is an
    ordinary `user` with a libvirt of their own; `kvm_open` whether that user may open /dev/kvm.
    `secure_boot` has a row for each name in `SECURE_BOOT`, found or not; `secure_disks`: the mini installer
    has signed programs for the disks that it installs. `tree_loaders` are the shims that installs had from
    their own trees: the tree's name, shim, GRUB.
    """

    python: tuple[int, int, int]
    root: bool
    systemd: bool
    packages: Literal["apt", "dnf", ""]
    uri: str
    binding: bool
    host: HostFacts | None
    libvirt_error: str
    kvm: Device | None
    kvm_proof: tuple[bool, str] | None
    tools: int
    missing_tools: Mapping[str, tuple[str, str]]
    loaders: Mapping[str, str]
    rom: str
    ports: tuple[Port, ...]
    service: str
    state_dir: str
    barrier: str
    qemu_user: str
    rootless: bool = False
    user: str = ""
    pool_path: str = POOL_PATH
    kvm_open: bool = True
    firewalld: bool = False
    has_default_network_file: bool = True
    secure_boot: tuple[LoaderFile, ...] = ()
    secure_disks: bool = False
    tree_loaders: tuple[tuple[str, LoaderFile, LoaderFile], ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    verdict: Verdict
    reason: str
    commands: tuple[Command, ...] = ()
    safe: bool = False


def examine(facts: Facts) -> list[Check]:
    """Every check, in the order in which one needs the other."""
    return [check for ask in _CHECKS for check in ask(facts)]


def _python(facts: Facts) -> Iterator[Check]:
    version = ".".join(map(str, facts.python))
    if facts.python >= (3, 11):
        yield Check("python", "PASS", version)
    else:
        yield Check("python", "FAIL", f"{version} is too old; 3.11 is needed")


def _rights(facts: Facts) -> Iterator[Check]:
    if facts.root:
        yield Check("rights", "PASS", "root")
    elif facts.rootless:
        yield Check("rights", "PASS", f"none needed: {facts.user}'s own guests, on QEMU's user network alone")
    else:
        yield Check(
            "rights",
            "WARN",
            "not root: ports below 1024 and raw packets need root, or CAP_NET_BIND_SERVICE and CAP_NET_RAW",
            (("sudo", "provisioner", "doctor"),),
        )


def _libvirt(facts: Facts) -> Iterator[Check]:
    if not facts.binding:
        yield Check(
            "libvirt", "FAIL", "the Python module libvirt is missing", (("pip", "install", "libvirt-python"),)
        )
    elif facts.host is None:
        reason = f"{facts.uri} does not answer: {facts.libvirt_error}"
        yield Check("libvirt", "FAIL", reason, _start(facts), safe=True)
    else:
        yield Check("libvirt", "PASS", f"{facts.uri} answers")


def _start(facts: Facts) -> tuple[Command, ...]:
    if facts.rootless:
        return (("libvirtd", "-d"),)
    return (
        (("systemctl", "start", "libvirtd"),) if facts.systemd else (("virtlogd", "-d"), ("libvirtd", "-d"))
    )


def _qemu(facts: Facts) -> Iterator[Check]:
    if facts.host is None:
        return
    if facts.host.emulator:
        yield Check("qemu", "PASS", f"{facts.host.emulator}, machine {facts.host.machine}")
    else:
        commands = _install(facts, "qemu-system-x86", "qemu-system-x86-core")
        yield Check("qemu", "FAIL", "libvirt knows no QEMU for x86-64", commands)


def _kvm_device(facts: Facts) -> Iterator[Check]:
    device = facts.kvm
    if device is None:
        yield Check("kvm device", "WARN", "/dev/kvm is not there: guests are emulated, which is slow")
    elif facts.rootless and facts.kvm_open:
        yield Check("kvm device", "PASS", f"/dev/kvm is open to {facts.user}")
    elif facts.rootless:
        reason = f"/dev/kvm is closed to {facts.user}: guests are emulated, which is slow"
        join = (("sudo", "usermod", "-aG", device.group, facts.user),)
        yield Check("kvm device", "WARN", reason, join)
    elif device.mode & 0o006 == 0o006 or (device.group == "kvm" and device.mode & 0o060 == 0o060):
        yield Check("kvm device", "PASS", f"/dev/kvm is {device.mode & 0o777:04o}, group {device.group}")
    else:
        reason = (
            f"/dev/kvm is {device.mode & 0o777:04o}, group {device.group}: QEMU's user cannot open it, "
            "and libvirt takes most of a minute to start each guest"
        )
        commands = (("chgrp", "kvm", "/dev/kvm"), ("chmod", "660", "/dev/kvm"))
        yield Check("kvm device", "WARN", reason, commands, safe=True)


def _kvm_proof(facts: Facts) -> Iterator[Check]:
    if facts.kvm is None:
        return
    if facts.kvm_proof is None:
        yield Check(
            "kvm proof", "WARN", "not proved yet: the mini installer, whose kernel proves it, is not built"
        )
    elif facts.kvm_proof[0]:
        yield Check("kvm proof", "PASS", facts.kvm_proof[1])
    else:
        yield Check("kvm proof", "WARN", f"{facts.kvm_proof[1]}; guests are emulated, which is slow")


def _firmware(facts: Facts) -> Iterator[Check]:
    if facts.host is None:
        return
    if "efi" in facts.host.firmwares:
        yield Check("uefi", "PASS", "libvirt offers UEFI firmware")
    else:
        reason = "no UEFI firmware: guests can boot by BIOS only"
        yield Check("uefi", "WARN", reason, _install(facts, "ovmf", "edk2-ovmf"))


def _loaders(facts: Facts) -> Iterator[Check]:
    missing = [name for name in LOADERS if not facts.loaders.get(name)]
    if facts.rootless:
        pass  # the boot script alone is asked for, by QEMU's own ROM
    elif missing:
        reason = f"{' and '.join(missing)} not found: firmware without an iPXE ROM cannot boot"
        yield Check("loaders", "FAIL", reason, _install(facts, "ipxe", "ipxe-bootimgs-x86"))
    else:
        places = sorted({path.rpartition("/")[0] for path in facts.loaders.values()})
        yield Check("loaders", "PASS", f"{', '.join(LOADERS)} in {', '.join(places)}")
    if facts.rom:
        yield Check("ipxe rom", "PASS", facts.rom)
    else:
        reason = "QEMU's iPXE ROMs not found: BIOS guests cannot boot from the network"
        yield Check("ipxe rom", "FAIL", reason, _install(facts, "ipxe-qemu", "ipxe-roms-qemu"))


def _secure_boot(facts: Facts) -> Iterator[Check]:
    if facts.rootless or not facts.secure_boot:
        return
    shim, grub = facts.secure_boot
    apt, dnf = (" ".join(package(name, family) for name in SECURE_BOOT) for family in _FAMILIES)
    mend = _install(facts, apt, dnf)
    missing = [file.name for file in (shim, grub) if not file.path]
    if missing:
        reason = f"{' and '.join(missing)} not found: machines with Secure Boot on cannot netboot"
        yield Check("secure boot", "WARN", reason, mend)
    elif reason := _refusal(shim, grub):
        yield Check("secure boot", "WARN", reason, mend if not (shim.own or grub.own) else ())
    elif not facts.secure_disks:
        reason = (
            "no signed GRUB for disks: with Secure Boot on, what the mini installer installs does not start"
        )
        yield Check("secure boot", "WARN", reason, mend)
    else:
        yield Check("secure boot", "PASS", f"{_chain(shim, grub)}; installed disks start too")


def _tree_loaders(facts: Facts) -> Iterator[Check]:
    """What machines with Secure Boot on get of a tree whose shim and GRUB were fetched for an install."""
    for tree, shim, grub in facts.tree_loaders:
        if reason := _refusal(shim, grub):
            yield Check(f"tree {tree}", "WARN", reason)
        else:
            yield Check(f"tree {tree}", "PASS", _chain(shim, grub))


def _refusal(shim: LoaderFile, grub: LoaderFile) -> str:
    """Why the two do not start a machine with Secure Boot on, "" where they do."""
    why = shim.note or grub.note or quarrel(shim, grub)
    return why and f"{why}: machines with Secure Boot on will refuse it"


def _chain(shim: LoaderFile, grub: LoaderFile) -> str:
    return " starts ".join(_signed(file) for file in (shim, grub))


def _signed(file: LoaderFile) -> str:
    by = " and ".join(signer.issuer for signer in file.signers)
    sbat = " ".join(f"{row.component},{row.generation}" for row in file.sbat if row.component != "sbat")
    return f"{file.path} (signed by {by}; {sbat or 'no SBAT'})"


def _network(facts: Facts) -> Iterator[Check]:
    if facts.host is None:
        return
    if facts.rootless:
        yield Check("network", "PASS", "QEMU's user network; bridges and libvirt's networks need root")
        return
    virsh = ("virsh", "-c", facts.uri)
    others = sorted(n.name for n in facts.host.networks if n.active and n.name != "default")
    verdict: Verdict = "WARN" if others else "FAIL"
    beside = f"; active are {', '.join(others)}" if others else ""
    default = next((n for n in facts.host.networks if n.name == "default"), None)
    start, always = (*virsh, "net-start", "default"), (*virsh, "net-autostart", "default")
    if default is None:
        define = (*virsh, "net-define", DEFAULT_NETWORK)
        commands = (define, start, always) if facts.has_default_network_file else ()
        yield Check("network", verdict, f"there is no network default{beside}", commands, safe=True)
    elif not default.active:
        yield Check("network", verdict, f"network default is not active{beside}", (start, always), safe=True)
    elif not default.autostart:
        reason = "network default is active, but will not be after the host's next start"
        yield Check("network", "WARN", reason, (always,), safe=True)
    else:
        where = ", ".join(default.addresses)
        yield Check("network", "PASS", f"default: {default.mode} on {default.bridge}, {where}")


def _pool(facts: Facts) -> Iterator[Check]:
    if facts.host is None:
        return
    virsh = ("virsh", "-c", facts.uri)
    others = sorted(p.name for p in facts.host.pools if p.active and p.name != "default")
    verdict: Verdict = "WARN" if others else "FAIL"
    beside = f"; active are {', '.join(others)}" if others else ""
    default = next((p for p in facts.host.pools if p.name == "default"), None)
    start, always = (*virsh, "pool-start", "default"), (*virsh, "pool-autostart", "default")
    if default is None:
        make = (*virsh, "pool-define-as", "default", "dir", "--target", facts.pool_path)
        commands = (make, (*virsh, "pool-build", "default"), start, always)
        yield Check("pool", verdict, f"there is no storage pool default{beside}", commands, safe=True)
    elif not default.active:
        yield Check(
            "pool", verdict, f"storage pool default is not active{beside}", (start, always), safe=True
        )
    elif default.available < 5 * 10**9:
        free = default.available / 10**9
        yield Check("pool", "WARN", f"{free:.1f} GB free in pool default; a Debian guest takes 1 to 4")
    else:
        free = default.available / 10**9
        yield Check("pool", "PASS", f"default: {default.path}, {free:.0f} GB free")


def _ports(facts: Facts) -> Iterator[Check]:
    for port in facts.ports:
        name = f"port {port.number}/{port.protocol}"
        holders = ", ".join(port.holders)
        if facts.service and not port.free:
            yield Check(name, "PASS", f"{port.purpose}: the running service has it")
        elif port.free:
            shared = f"; shared with {holders}" if holders else ""
            yield Check(name, "PASS", f"{port.purpose}: free{shared}")
        else:
            reason = (
                f"{port.purpose}: in use by {holders or 'another process'}; choose another: {port.setting}"
            )
            yield Check(name, "FAIL", reason)


def _firewall(facts: Facts) -> Iterator[Check]:
    if not facts.firewalld or facts.rootless:
        return
    doors = [f"--add-port={port.number}/{port.protocol}" for port in facts.ports if port.number != 8081]
    commands = (("firewall-cmd", "--permanent", "--zone=libvirt", *doors), ("firewall-cmd", "--reload"))
    yield Check("firewall", "WARN", "firewalld lets guests reach only what its zone libvirt names", commands)


def _state(facts: Facts) -> Iterator[Check]:
    if facts.barrier:
        reason = f"{facts.qemu_user} cannot enter {facts.barrier}, which {facts.state_dir} lies below"
        yield Check("state", "WARN", reason, (("chmod", "o+x", facts.barrier),))
    else:
        service = f", service at {facts.service}" if facts.service else ""
        yield Check("state", "PASS", f"{facts.state_dir}{service}")


def _tools(facts: Facts) -> Iterator[Check]:
    if not facts.missing_tools:
        yield Check("tools", "PASS", f"all {facts.tools} programs for images and installers are here")
        return
    apt, dnf = (sorted(set(packages)) for packages in zip(*facts.missing_tools.values(), strict=True))
    reason = f"{', '.join(facts.missing_tools)} not found: images or the mini installer cannot be built"
    yield Check("tools", "WARN", reason, _install(facts, " ".join(apt), " ".join(dnf)))


def _install(facts: Facts, apt: str, dnf: str) -> tuple[Command, ...]:
    match facts.packages:
        case "apt":
            return (("apt-get", "install", "--no-install-recommends", *apt.split()),)
        case "dnf":
            return (("dnf", "install", *dnf.split()),)
        case _:
            return ()


_CHECKS: tuple[Callable[[Facts], Iterator[Check]], ...] = (
    _python,
    _rights,
    _libvirt,
    _qemu,
    _kvm_device,
    _kvm_proof,
    _firmware,
    _loaders,
    _secure_boot,
    _tree_loaders,
    _network,
    _pool,
    _ports,
    _firewall,
    _state,
    _tools,
)
