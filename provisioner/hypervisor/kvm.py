"""Whether KVM really runs a kernel here: `/dev/kvm` may be there, firmware may boot, and kernels hang."""

import asyncio
import contextlib
import re
import shutil
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import libvirt

from provisioner.core.errors import ProvisionerError
from provisioner.hypervisor import devices, eventloop, host
from provisioner.hypervisor.xml import render

NAMESPACE = "urn:provisioner:proof:1"
WORD = b"provisioner: kernel is alive"

_KVM = Path("/dev/kvm")
_COMPLAINT = re.compile(r"qemu-system-\S+: (?:error: )?(?P<what>.+?)(?=\s+qemu-system-|\n|$)")


@dataclass(frozen=True, slots=True)
class _Attempt:
    uri: str
    kernel: Path
    initrd: Path
    workdir: Path
    seconds: float
    virt_type: host.VirtType
    stop: threading.Event


async def prove(
    uri: str,
    kernel: Path,
    initrd: Path,
    workdir: Path,
    seconds: float = 20,
    *,
    virt_type: host.VirtType = "kvm",
) -> tuple[bool, str]:
    """Boots kernel and initrd in a transient domain and waits for their word on the serial console.

    Gives (works, why) and never raises for a host that cannot: TCG is the way out, so a no is an answer.
    `workdir` must be a folder that QEMU's user can enter, or an empty one, which is opened for that user;
    copies of both files lie there meanwhile.
    """
    attempt = _Attempt(uri, kernel, initrd, workdir, seconds, virt_type, threading.Event())
    proof = asyncio.get_running_loop().run_in_executor(None, _prove, attempt)
    try:
        return await asyncio.shield(proof)
    except asyncio.CancelledError:
        attempt.stop.set()
        await asyncio.wait({proof})
        raise


def _prove(attempt: _Attempt) -> tuple[bool, str]:
    kvm = attempt.virt_type == "kvm"
    if kvm and devices.is_local(attempt.uri) and not _KVM.exists():
        return False, f"there is no {_KVM} on this machine"
    mine = kvm and devices.is_own(attempt.uri) and devices.is_local(attempt.uri)
    if mine and (trouble := devices.own_kvm_trouble()):
        return False, trouble
    for file in (attempt.kernel, attempt.initrd):
        if not file.is_file():
            return False, f"no kernel can be tried without {file}"
    eventloop.start()
    try:
        with contextlib.closing(libvirt.open(attempt.uri)) as connection:
            if kvm and not host.offers_kvm(connection):
                return False, f"libvirt at {attempt.uri} offers no KVM"
            if not any(attempt.workdir.iterdir()):
                attempt.workdir.chmod(0o711)
            with tempfile.TemporaryDirectory(prefix="proof-", dir=attempt.workdir) as folder:
                return _boot(connection, attempt, Path(folder))
    except (libvirt.libvirtError, ProvisionerError, OSError) as error:
        return False, f"the proof could not be made: {cause(str(error))}"


def cause(told: str) -> str:
    """QEMU's first complaint where libvirt quotes it, without its time and what follows; else all of it."""
    found = _COMPLAINT.search(told)
    return f"QEMU says: {found['what'].strip()}" if found else " ".join(told.split())


def _boot(connection: libvirt.virConnect, attempt: _Attempt, folder: Path) -> tuple[bool, str]:
    folder.chmod(0o711)
    xml = render(
        "proof",
        namespace=NAMESPACE,
        virt_type=attempt.virt_type,
        machine=host.capabilities(connection, attempt.virt_type).machine,
        name=f"provisioner-proof-{uuid.uuid4().hex[:8]}",
        kernel=_copy(attempt.kernel, folder / "kernel"),
        initrd=_copy(attempt.initrd, folder / "initrd"),
    )
    # Paused until somebody listens; destroyed by libvirt itself should this process die.
    domain = connection.createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED | libvirt.VIR_DOMAIN_START_AUTODESTROY)
    try:
        stream = connection.newStream(libvirt.VIR_STREAM_NONBLOCK)
        domain.openConsole("serial0", stream, 0)
        began = time.monotonic()
        domain.resume()
        heard = b""
        while WORD not in heard and time.monotonic() - began < attempt.seconds:
            chunk = stream.recv(4096)
            if chunk == b"" or attempt.stop.is_set():
                break  # the domain is gone, or nobody waits for it any more
            if isinstance(chunk, bytes):
                heard += chunk
            else:
                attempt.stop.wait(0.05)
        with contextlib.suppress(libvirt.libvirtError):
            stream.abort()
        return _verdict(heard, time.monotonic() - began, attempt.virt_type)
    finally:
        with contextlib.suppress(libvirt.libvirtError):
            domain.destroy()


def _copy(file: Path, to: Path) -> Path:
    """A copy that libvirt may give to QEMU's user while the domain runs."""
    shutil.copyfile(file, to)
    to.chmod(0o644)
    return to


def _verdict(heard: bytes, took: float, virt_type: host.VirtType) -> tuple[bool, str]:
    how = "KVM" if virt_type == "kvm" else "emulation"
    if WORD in heard:
        return True, f"a kernel booted under {how} in {took:.1f} seconds"
    lines = heard.decode("ascii", "replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip().isprintable() and line.strip()), "")
    told = f"; its last line was {last[:80]!r}" if last else ""
    return False, f"a kernel under {how} did not come up within {took:.0f} seconds{told}"
