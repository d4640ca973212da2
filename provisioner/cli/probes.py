"""What `doctor` looks at: files, sockets, processes and libvirt, on this host and now."""

import asyncio
import grp
import os
import pwd
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from provisioner.cli.endpoint import answers, read
from provisioner.cli.sockets import Door, doors, is_free, rivals
from provisioner.config import Settings
from provisioner.core.errors import Denied, ProvisionerError
from provisioner.core.firmware import COMPANIONS, LOADERS
from provisioner.core.host import HostFacts
from provisioner.core.loaders import LoaderFile
from provisioner.service.doctor import DEFAULT_NETWORK, POOL_PATH, SECURE_BOOT, Device, Facts, Port
from provisioner.state import boot_dir, user_data

_KVM = Path("/dev/kvm")
_ROM = "pxe-virtio.rom"
_ROM_DIRS = ("/usr/lib/ipxe/qemu", "/usr/share/qemu", "/usr/share/ipxe/qemu", "/usr/share/qemu-kvm")
_QEMU_USERS = ("libvirt-qemu", "qemu")


def probe(settings: Settings, *, prove: bool, say: Callable[[str], None]) -> Facts:
    """All facts. `prove` boots a kernel under KVM where the mini installer is built; `say` tells the slow."""
    from provisioner.media import signed
    from provisioner.media.loader_store import LoaderStore
    from provisioner.media.loaders import Shelf

    binding = find_spec("libvirt") is not None
    host, error = asyncio.run(_ask_libvirt(settings.libvirt_uri)) if binding else (None, "")
    service = read(settings.state_dir, quiet=True)
    running = service.url if service and answers(service.url) else ""
    user = "" if settings.rootless else next((name for name in _QEMU_USERS if _exists(name)), "")
    kvm, tools = _device(), _tools()
    shelf = Shelf(settings.state_dir / "loaders", settings.loader_dirs)
    return Facts(
        python=sys.version_info[:3],
        root=os.geteuid() == 0,
        systemd=Path("/run/systemd/system").is_dir(),
        packages=_package_manager(),
        uri=settings.libvirt_uri,
        binding=binding,
        host=host,
        libvirt_error=error,
        kvm=kvm,
        kvm_proof=_proof(settings, say, prove=prove) if kvm and host else None,
        tools=len(tools),
        missing_tools={tool: packages for tool, packages in tools.items() if not _which(tool)},
        loaders={name: shelf.where(name) or "" for name in LOADERS},
        secure_boot=tuple(LoaderStore(shelf).told(SECURE_BOOT)),
        secure_disks=bool(signed.files()),
        tree_loaders=tuple(_tree_loaders(boot_dir(settings.state_dir))),
        rom=_first([Path(place) for place in _ROM_DIRS], _ROM),
        ports=tuple(_ports(settings)),
        service=running,
        state_dir=str(settings.state_dir),
        barrier=barrier(settings.state_dir, user) if user else "",
        qemu_user=user,
        rootless=settings.rootless,
        user=_me(),
        pool_path=str(user_data() / "libvirt/images") if settings.rootless else POOL_PATH,
        kvm_open=os.access(_KVM, os.R_OK | os.W_OK),
        firewalld=_firewalld(),
        has_default_network_file=Path(DEFAULT_NETWORK).is_file(),
    )


def _tree_loaders(folder: Path) -> Iterator[tuple[str, LoaderFile, LoaderFile]]:
    """The shims that were fetched of trees, each with its GRUB."""
    from provisioner.media.loader_store import LoaderStore
    from provisioner.media.loaders import Shelf

    for place in sorted(folder.glob("*/shim*.efi")) if folder.is_dir() else ():
        names = (place.name, *COMPANIONS.get(place.name, ()))
        if all((place.parent / name).is_file() for name in names):
            shim, grub = LoaderStore(Shelf(place.parent, ())).told(names)
            yield place.parent.name, shim, grub


async def _ask_libvirt(uri: str) -> tuple[HostFacts | None, str]:
    from provisioner.hypervisor.connection import LibvirtHost

    host = LibvirtHost(uri)
    try:
        await host.open()
        return await host.facts(), ""
    except ProvisionerError as error:
        return None, str(error)
    finally:
        await host.close()


def _proof(settings: Settings, say: Callable[[str], None], *, prove: bool) -> tuple[bool, str] | None:
    """A new proof where it may be made, else the remembered one; a new one is remembered for the service."""
    from provisioner.hypervisor.kvm import prove as boot
    from provisioner.state import remember_proof, remembered_proof

    mini, cache = settings.state_dir / "trees" / "mini", settings.state_dir / "cache"
    kernel, initrd = mini / "images/pxeboot/vmlinuz", mini / "images/pxeboot/initrd.img"
    known = remembered_proof(cache / "kvm.json")
    if not (prove and kernel.is_file() and initrd.is_file() and os.access(cache, os.W_OK)):
        return known
    say("booting a kernel under KVM …")
    verdict = asyncio.run(boot(settings.libvirt_uri, kernel, initrd, mini))
    remember_proof(cache / "kvm.json", verdict)
    return verdict


def _device() -> Device | None:
    try:
        found = _KVM.stat()
    except OSError:
        return None
    try:
        group = grp.getgrgid(found.st_gid).gr_name
    except KeyError:
        group = str(found.st_gid)
    return Device(found.st_mode, group)


def barrier(path: Path, user: str) -> str:
    """The first directory from the root down to `path` that `user` cannot enter, "" where there is none."""
    entry = pwd.getpwnam(user)
    groups = set(os.getgrouplist(user, entry.pw_gid))
    for folder in (*reversed(path.absolute().parents), path.absolute()):
        try:
            found = folder.stat()
        except OSError:
            return ""  # not made yet: it will be with the right mode
        if found.st_uid == entry.pw_uid:
            bit = stat.S_IXUSR
        else:
            bit = stat.S_IXGRP if found.st_gid in groups else stat.S_IXOTH
        if not found.st_mode & bit:
            return str(folder)
    return ""


def _ports(settings: Settings) -> Iterator[Port]:
    """One row for each port; a port is free where every address that it is opened on is."""
    purposes = {
        settings.dhcp_port: "ProxyDHCP",
        settings.proxy_port: "PXE discovery",
        settings.tftp_port: "TFTP",
        settings.http_port: "guests' HTTP",
        settings.api_port: "API and dashboard",
    }
    rows: dict[tuple[str, int], Port] = {}
    for door in doors(settings):
        before = rows.get((door.protocol, door.port))
        if before is not None and not before.free:
            continue
        free = _free(door)
        rows[door.protocol, door.port] = Port(
            door.protocol,
            door.port,
            purposes[door.port],
            free,
            tuple(sorted({owner.process if free else str(owner) for owner in rivals(door)})),
            door.setting,
        )
    yield from rows.values()


def _free(door: Door) -> bool:
    """Without the right to try, a port is taken for free where nobody is seen to have it."""
    try:
        return is_free(door)
    except Denied:
        return not rivals(door)


def _package_manager() -> Literal["apt", "dnf", ""]:
    if shutil.which("apt-get"):
        return "apt"
    return "dnf" if shutil.which("dnf") else ""


def _tools() -> dict[str, tuple[str, str]]:
    """Programs that are called by name, with the packages (apt, dnf) that bring them."""
    from provisioner.media.hosttools import PACKAGES

    ours = {"ssh": ("openssh-client", "openssh-clients"), "virsh": ("libvirt-clients", "libvirt-client")}
    apt = bool(shutil.which("apt-get"))
    return {
        name: both for name, both in {**PACKAGES, **ours}.items() if apt or both[0] not in ("apt", "dpkg")
    }


def _which(tool: str) -> str | None:
    """Also in the administrator's directories, which an ordinary user's PATH often lacks."""
    return shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin")


def _first(places: list[Path], name: str) -> str:
    return next((str(place / name) for place in places if (place / name).is_file()), "")


def _me() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _firewalld() -> bool:
    for comm in Path("/proc").glob("[0-9]*/comm"):
        try:
            if comm.read_text().strip() == "firewalld":
                return True
        except OSError:
            continue
    return False
