"""What guests say and report: read, noted, and kept with their installs."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from provisioner import state
from provisioner.wiring.ground import now

_STAMP = re.compile(r"^\[ *\d+\.\d+\] ")
"""A kernel's, which is another one in each guest."""

if TYPE_CHECKING:
    from provisioner.config import Settings
    from provisioner.media.evidence import Evidence
    from provisioner.service.consoles import Consoles
    from provisioner.service.evidence_sweep import EvidenceSweep
    from provisioner.service.far_consoles import FarConsoles
    from provisioner.service.keeping import Keeping
    from provisioner.service.ports import LifeHosts, Store
    from provisioner.service.reports import Reports
    from provisioner.service.secrecy import Secrets


@dataclass(frozen=True, slots=True)
class Sources:
    files: "Evidence"
    far: "FarConsoles"
    keeping: "Keeping"
    reports: "Reports"
    consoles: "Consoles"
    sweep: "EvidenceSweep"


def sources(settings: "Settings", store: "Store", hosts: "LifeHosts", secrets: "Secrets") -> Sources:
    from provisioner.media.evidence import Evidence
    from provisioner.media.guest_logs import Logs
    from provisioner.service.consoles import Consoles
    from provisioner.service.evidence_sweep import EvidenceSweep
    from provisioner.service.far_consoles import FarConsoles
    from provisioner.service.keeping import Keeping
    from provisioner.service.reports import Reports

    files = Evidence(settings.state_dir / "evidence")
    logs = Logs(state.log_dir(settings.state_dir))
    far = FarConsoles(store, hosts, _far(settings.libvirt_uri))
    keeping = Keeping(store, hosts, files, logs, now, secrets, far.tail)
    sweep = EvidenceSweep(store, files, logs, now, days=settings.evidence_days, size=settings.evidence_quota)
    return Sources(
        files,
        far,
        keeping,
        Reports(store, files, now, secrets, keeping.ended, _scan),
        Consoles(store, logs, far, now, _scan, keeping.ended),
        sweep,
    )


def _far(configured: str) -> Callable[[str], bool]:
    from provisioner.hypervisor.devices import is_local

    return lambda uri: not is_local(uri or configured)


def _scan(line: str) -> tuple[str, str] | None:
    return _scanned(_STAMP.sub("", line))


@lru_cache(8192)
def _scanned(line: str) -> tuple[str, str] | None:
    """Guests that are installed at once say the same."""
    from provisioner.distros.scan import scan

    sign = scan(line)
    return (sign.name, sign.cause) if sign else None
