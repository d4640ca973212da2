"""libvirt's codes as our errors: none is forgotten, and none of the names is misspelt."""

import libvirt
import pytest

from provisioner.core.errors import Conflict, Invalid, NotFound, ProvisionerError, Unavailable
from provisioner.hypervisor import errors
from provisioner.hypervisor.errors import KINDS, translate

# What means that libvirt, or the way to it, is out of order.
UNAVAILABLE = {
    "INTERNAL_ERROR", "NO_MEMORY", "UNKNOWN_HOST", "INVALID_CONN", "INVALID_DOMAIN", "GET_FAILED",
    "POST_FAILED", "HTTP_ERROR", "NO_XEN", "XEN_CALL", "NO_XENSTORE", "DRIVER_FULL", "CALL_FAILED",
    "OPERATION_DENIED", "OPEN_FAILED", "READ_FAILED", "WRITE_FAILED", "INVALID_NETWORK", "SYSTEM_ERROR",
    "RPC", "GNUTLS_ERROR", "AUTH_FAILED", "INVALID_STORAGE_POOL", "INVALID_STORAGE_VOL",
    "INVALID_NODE_DEVICE", "INVALID_INTERFACE", "INVALID_NWFILTER", "BUILD_FIREWALL", "INVALID_SECRET",
    "OPERATION_TIMEOUT", "INVALID_DOMAIN_SNAPSHOT", "INVALID_STREAM", "AUTH_CANCELLED", "SSH",
    "AGENT_UNRESPONSIVE", "ACCESS_DENIED", "DBUS_SERVICE", "AUTH_UNAVAILABLE", "AGENT_UNSYNCED",
    "LIBSSH", "INVALID_NWFILTER_BINDING", "INVALID_DOMAIN_CHECKPOINT", "INVALID_NETWORK_PORT",
    "NO_HOSTNAME", "AGENT_COMMAND_TIMEOUT", "AGENT_COMMAND_FAILED", "NO_SNAPSHOT", "MIGRATE_UNSAFE_BLOCK",
    "WARN_AGENT", "GUEST_AGENT",
}  # fmt: skip
LEVELS = {"NONE", "WARNING", "ERROR", "OK", "DOMAIN"}


def test_every_code_of_this_libvirt_was_thought_of() -> None:
    names = {name.removeprefix("VIR_ERR_") for name in dir(libvirt) if name.startswith("VIR_ERR_")} - LEVELS
    mapped = {name for name in names if getattr(libvirt, f"VIR_ERR_{name}") in KINDS}

    assert names - mapped - UNAVAILABLE == set()
    assert mapped & UNAVAILABLE == set()


def test_every_name_in_the_map_is_one_of_libvirt() -> None:
    for name in (*errors._NOT_FOUND, *errors._CONFLICT, *errors._INVALID):
        assert hasattr(libvirt, f"VIR_ERR_{name}"), name


def raised(code: int, message: str) -> libvirt.libvirtError:
    error = libvirt.libvirtError("call failed")
    error.err = (code, 0, message, 2, "", None, None, 0, 0)
    return error


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (libvirt.VIR_ERR_NO_DOMAIN, NotFound),
        (libvirt.VIR_ERR_OPERATION_INVALID, Conflict),
        (libvirt.VIR_ERR_XML_INVALID_SCHEMA, Invalid),
        (libvirt.VIR_ERR_NO_CONNECT, Invalid),
        (libvirt.VIR_ERR_RPC, Unavailable),
        (99999, Unavailable),
    ],
)
def test_a_code_becomes_an_error_that_names_the_connection(code: int, kind: type[ProvisionerError]) -> None:
    error = translate(raised(code, "it did not work."), "qemu:///system")

    assert type(error) is kind
    assert str(error) == "libvirt at qemu:///system says: it did not work"


def test_an_error_without_words_has_those_of_the_call() -> None:
    assert "call failed" in str(translate(libvirt.libvirtError("call failed"), "u"))
