"""libvirt's error codes as our own errors: one map, and one sentence for each."""

import libvirt

from provisioner.core.errors import Conflict, Invalid, NotFound, ProvisionerError, Unavailable

_NOT_FOUND = (
    "NO_DOMAIN", "NO_NETWORK", "NO_STORAGE_POOL", "NO_STORAGE_VOL", "NO_INTERFACE", "NO_NODE_DEVICE",
    "NO_DOMAIN_METADATA", "NO_DOMAIN_SNAPSHOT", "NO_DOMAIN_CHECKPOINT", "NO_DOMAIN_BACKUP",
    "NO_NETWORK_PORT", "NO_NWFILTER", "NO_NWFILTER_BINDING", "NO_SECRET", "NO_SERVER", "NO_CLIENT",
    "DEVICE_MISSING", "NO_DEVICE",
)  # fmt: skip
_CONFLICT = (
    "DOM_EXIST", "NETWORK_EXIST", "STORAGE_VOL_EXIST", "STORAGE_POOL_BUILT", "NETWORK_PORT_EXIST",
    "OPERATION_INVALID", "OPERATION_FAILED", "OPERATION_ABORTED", "RESOURCE_BUSY", "BLOCK_COPY_ACTIVE",
    "MULTIPLE_DOMAINS", "MULTIPLE_INTERFACES", "CPU_INCOMPATIBLE", "MIGRATE_UNSAFE",
    "MIGRATE_PERSIST_FAILED", "MIGRATE_FINISH_OK", "SNAPSHOT_REVERT_RISKY", "CHECKPOINT_INCONSISTENT",
    "HOOK_SCRIPT_FAILED", "STORAGE_PROBE_FAILED",
)  # fmt: skip
_INVALID = (
    "XML_ERROR", "XML_DETAIL", "XML_INVALID_SCHEMA", "PARSE_FAILED", "CONF_SYNTAX", "INVALID_ARG",
    "INVALID_MAC", "CONFIG_UNSUPPORTED", "ARGUMENT_UNSUPPORTED", "OPERATION_UNSUPPORTED", "NO_SUPPORT",
    "OVERFLOW", "OS_TYPE", "NO_OS", "NO_NAME", "NO_KERNEL", "NO_ROOT", "NO_SOURCE", "NO_TARGET",
    "SEXPR_SERIAL", "NO_SECURITY_MODEL", "NO_CONNECT",
)  # fmt: skip

KINDS: dict[int, type[ProvisionerError]] = {
    getattr(libvirt, f"VIR_ERR_{name}"): kind
    for names, kind in ((_NOT_FOUND, NotFound), (_CONFLICT, Conflict), (_INVALID, Invalid))
    for name in names
    if hasattr(libvirt, f"VIR_ERR_{name}")
}
"""Every code that is not in here means that libvirt itself, or the way to it, is out of order."""


def translate(error: libvirt.libvirtError, uri: str) -> ProvisionerError:
    """Our error for libvirt's, with its own words and the connection they came from."""
    kind = KINDS.get(error.get_error_code() or 0, Unavailable)
    words = (error.get_error_message() or str(error)).strip().rstrip(".")
    return kind(f"libvirt at {uri} says: {words}")


def is_code(error: libvirt.libvirtError, *names: str) -> bool:
    """Whether libvirt's error is one of these, named without VIR_ERR_."""
    return error.get_error_code() in {getattr(libvirt, f"VIR_ERR_{name}", None) for name in names}
