"""TEMPORARY until the storage parts come."""

from pathlib import Path

import libvirt

from provisioner.hypervisor.storage import _pool, _volume
from provisioner.plan.steps import ResizeVolume, UploadVolume


def upload(connection: libvirt.virConnect, step: UploadVolume) -> None:
    pool = _pool(connection, step.pool)
    file = Path(step.file)
    size = file.stat().st_size
    volume = _volume(pool, step.name)
    if volume is not None:
        if step.shared:
            return
        volume.delete()
    volume = pool.createXML(
        f"<volume><name>{step.name}</name><capacity>{step.capacity or size}</capacity>"
        f"<target><format type='{step.format}'/></target></volume>"
    )
    stream = connection.newStream()
    volume.upload(stream, 0, size)
    with file.open("rb") as source:
        stream.sendAll(lambda _s, n, _o: source.read(n), None)
    stream.finish()
    pool.refresh()


def resize(connection: libvirt.virConnect, step: ResizeVolume) -> None:
    volume = _volume(_pool(connection, step.pool), step.name)
    if volume is not None and volume.info()[1] < step.capacity:
        volume.resize(step.capacity)
