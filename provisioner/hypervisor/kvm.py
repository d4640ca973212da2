"""Whether KVM really runs a kernel here. `/dev/kvm` may be there, firmware may even boot, and kernels hang."""

import asyncio
import contextlib
import shutil
import tempfile
import threading
import time
import uuid
from pathlib import Path

import libvirt

from provisioner.hypervisor import devices, eventloop, host
from provisioner.hypervisor.xml import render

NAMESPACE = "urn:provisioner:proof:1"
WORD = b"provisioner: kernel is alive"

_KVM = Path("/dev/kvm")


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
    if virt_type == "kvm" and devices.is_local(uri) and not _KVM.exists():
        return False, f"there is no {_KVM} on this machine"
    for file in (kernel, initrd):
        if not file.is_file():
            return False, f"KVM cannot be tried without {file}"
    stop = threading.Event()
    proof = asyncio.get_running_loop().run_in_executor(
        None, _prove, uri, kernel, initrd, workdir, seconds, virt_type, stop
    )
    try:
        return await asyncio.shield(proof)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait({proof})
        raise


def _prove(
    uri: str,
    kernel: Path,
    initrd: Path,
    workdir: Path,
    seconds: float,
    virt_type: host.VirtType,
    stop: threading.Event,
) -> tuple[bool, str]:
    eventloop.start()
    try:
        connection = libvirt.open(uri)
        with contextlib.closing(connection):
            if virt_type == "kvm" and not host.offers_kvm(connection):
                return False, f"libvirt at {uri} offers no KVM"
            if not any(workdir.iterdir()):
                workdir.chmod(0o711)
            with tempfile.TemporaryDirectory(prefix="proof-", dir=workdir) as folder:
                copies = _copies(Path(folder), kernel, initrd)
                return _boot(connection, *copies, seconds, virt_type, stop)
    except (libvirt.libvirtError, OSError) as error:
        return False, f"the proof could not be made: {error}"


def _copies(folder: Path, *files: Path) -> list[Path]:
    """Copies that QEMU's user may read: libvirt gives a domain's files to that user while it runs."""
    folder.chmod(0o711)
    copies = [folder / f"{number}-{file.name}" for number, file in enumerate(files)]
    for file, copy in zip(files, copies, strict=True):
        shutil.copyfile(file, copy)
        copy.chmod(0o644)
    return copies


def _boot(
    connection: libvirt.virConnect,
    kernel: Path,
    initrd: Path,
    seconds: float,
    virt_type: host.VirtType,
    stop: threading.Event,
) -> tuple[bool, str]:
    xml = render(
        "proof",
        namespace=NAMESPACE,
        virt_type=virt_type,
        machine=host.capabilities(connection, virt_type).machine,
        name=f"provisioner-proof-{uuid.uuid4().hex[:8]}",
        kernel=kernel,
        initrd=initrd,
    )
    # Paused until somebody listens; destroyed by libvirt itself should this process die.
    domain = connection.createXML(
        xml, libvirt.VIR_DOMAIN_START_PAUSED | libvirt.VIR_DOMAIN_START_AUTODESTROY
    )
    began = time.monotonic()
    try:
        stream = connection.newStream(libvirt.VIR_STREAM_NONBLOCK)
        domain.openConsole(None, stream, 0)
        domain.resume()
        heard = b""
        while WORD not in heard and time.monotonic() - began < seconds and not stop.is_set():
            chunk = stream.recv(4096)
            if isinstance(chunk, bytes):
                if not chunk:
                    break  # the domain is gone
                heard += chunk
            else:
                stop.wait(0.05)
        with contextlib.suppress(libvirt.libvirtError):
            stream.abort()
        return _verdict(heard, time.monotonic() - began, virt_type)
    finally:
        with contextlib.suppress(libvirt.libvirtError):
            domain.destroy()


def _verdict(heard: bytes, took: float, virt_type: host.VirtType) -> tuple[bool, str]:
    how = "KVM" if virt_type == "kvm" else "emulation"
    if WORD in heard:
        return True, f"a kernel booted under {how} in {took:.1f} seconds"
    lines = heard.decode("ascii", "replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip().isprintable() and line.strip()), "")
    told = f"; its last line was {last[:80]!r}" if last else ""
    return False, f"a kernel under {how} did not come up within {took:.0f} seconds{told}"
