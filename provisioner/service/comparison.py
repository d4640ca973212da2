"""Our verdicts beside those of virt-host-validate, line by line, with the reason of each difference."""

import re
from collections.abc import Callable, Iterable

from provisioner.core.readings import Check, Comparison, Line, Readings

_AREAS = ("QEMU", "LXC")


def compare(lines: Iterable[Line], checks: Iterable[Check], readings: Readings) -> tuple[Comparison, ...]:
    """A row for each line. A question that we do not ask is a difference that nothing explains."""
    ours = {f"{check.area} {_plain(check.question)}": check for check in checks if check.question}
    return tuple(_row(line, ours.get(f"{line.area} {_plain(line.question)}"), readings) for line in lines)


def _row(line: Line, check: Check | None, readings: Readings) -> Comparison:
    if line.area not in _AREAS:
        why = f"{line.area} is no hypervisor that provisioner uses"
        return Comparison(line.area, line.question, line.verdict, "-", why)
    if check is None:
        return Comparison(line.area, line.question, line.verdict, "-", "not asked here", differs=True)
    if check.verdict == line.verdict:
        return Comparison(line.area, line.question, line.verdict, check.verdict)
    why = next((text for text in (explain(line, check, readings) for explain in _EXPLAIN) if text), "")
    return Comparison(
        line.area, line.question, line.verdict, check.verdict, why or check.reason, differs=not why
    )


def _cgroup_v2(line: Line, check: Check, readings: Readings) -> str:
    """It asks version 2 for controllers that only version 1 has."""
    system = readings.system
    v2_only = system is not None and system.cgroups.v2 is not None and not system.cgroups.v1
    if v2_only and check.name.startswith("cgroup ") and check.verdict == "PASS":
        return f"it asks for a controller of cgroup v1; {check.reason}"
    return ""


def _who_opens_kvm(line: Line, check: Check, readings: Readings) -> str:
    if check.name == "/dev/kvm accessible" and readings.system is not None:
        return (
            f"it asks for the user that runs it, not for {readings.system.kvm_user or 'QEMU'}; {check.reason}"
        )
    return ""


def _iommu_by_groups(line: Line, check: Check, readings: Readings) -> str:
    """It tells the maker of the IOMMU by the CPU's vmx or svm, which a virtual machine may not show."""
    if check.name == "IOMMU" and check.verdict == "PASS" and line.hint.startswith("Unknown"):
        return f"it knows an IOMMU by the CPU's vmx or svm alone; {check.reason}"
    return ""


_EXPLAIN: tuple[Callable[[Line, Check, Readings], str], ...] = (_cgroup_v2, _who_opens_kvm, _iommu_by_groups)


def _plain(question: str) -> str:
    """Versions differ in their quotation marks."""
    return re.sub(r"[\"'`]", "", question)
