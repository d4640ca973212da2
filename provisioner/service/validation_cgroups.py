"""Whether a host has a cgroup controller, on version 1, on version 2, and on both side by side."""

from provisioner.core.readings import Cgroups

# What version 2 does without a controller of that name: since which kernel, and how.
_WITHOUT: dict[str, tuple[tuple[int, ...], str]] = {
    "devices": ((4, 15), "by an eBPF program"),
    "freezer": ((5, 2), "by cgroup.freeze in every group"),
}
_V2_NAMES = {"blkio": "io", "cpuacct": "cpu"}


def cgroups(name: str, groups: Cgroups, kernel: tuple[int, ...]) -> tuple[bool, str, str]:
    """Whether controller `name` (as version 1 calls it) is there, why, and what mends it where it is not."""
    if name in groups.v1:
        return True, "cgroup v1 is mounted with it", ""
    if groups.v2 is not None:
        there, reason = _on_v2(name, groups.v2, kernel)
        if there:
            return True, reason, ""
    if name not in groups.built and _V2_NAMES.get(name, name) not in groups.built and groups.built:
        return False, "this kernel is built without it", ""
    if groups.built.get(name) is False:
        return (
            False,
            "the kernel's command line switches it off",
            f"remove cgroup_disable={name} from the kernel's command line",
        )
    if groups.v2 is not None and not groups.v1:
        inner = _V2_NAMES.get(name, name)
        if name in _WITHOUT:
            first, how = _WITHOUT[name]
            return False, f"cgroup v2 does it {how} from Linux {'.'.join(map(str, first))} on", ""
        return (
            False,
            f"cgroup v2 is mounted without {inner}",
            f"echo +{inner} > cgroup.subtree_control of the group above",
        )
    where = f"/sys/fs/cgroup/{name}"
    return (
        False,
        "no mounted cgroup hierarchy carries it",
        f"mkdir -p {where} && mount -t cgroup -o {name} cgroup {where}",
    )


def _on_v2(name: str, controllers: frozenset[str], kernel: tuple[int, ...]) -> tuple[bool, str]:
    if name in _WITHOUT:
        first, how = _WITHOUT[name]
        return kernel >= first, f"cgroup v2 does it {how}"
    inner = _V2_NAMES.get(name, name)
    called = f" as part of {inner}" if name == "cpuacct" else f" as {inner}" if inner != name else ""
    return inner in controllers, f"cgroup v2 has it{called}"
