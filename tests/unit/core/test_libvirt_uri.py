"""Which libvirt URIs are opened, which only where they are allowed by name, and which never."""

import pytest

from provisioner.core.errors import Invalid
from provisioner.core.libvirt_uri import check_uri

GOOD = (
    "qemu:///system",
    "qemu:///session",
    "qemu+ssh://root@host.example/system",
    "qemu+ssh://root@[2001:db8::1]:2222/system?keyfile=/root/.ssh/id&no_tty=1",
    "qemu+tls://host.example/system?pkipath=/etc/pki/here",
    "qemu+unix:///system?socket=/run/libvirt/libvirt-sock",
    "qemu+libssh2://host/system?known_hosts_verify=normal&no_verify=0",
    "qemu+ssh://host/system?name=qemu:///system",
    "test:///default",
    "lxc:///system",
)
# Every one of these hands the connection, or a program, to whoever is in between.
UNSAFE = {
    "qemu+tcp://host/system": "is not encrypted",
    "QEMU+TCP://host/system": "is not encrypted",
    "qemu+tls://host/system?no_verify=1": "does not verify",
    "qemu+ssh://host/system?no_verify=1": "does not verify",
    "qemu+ssh://host/system?no_tty=1&NO_VERIFY=1": "does not verify",
    "qemu+ssh://host/system?no_tty=1;no_verify=1": "does not verify",
    "qemu+ssh://host/system?no%5Fverify=1": "does not verify",
    "qemu+libssh2://host/system?known_hosts_verify=ignore": "accepts any host key",
    "qemu+libssh2://host/system?known_hosts_verify=auto": "accepts any host key",
    "qemu+tls://host/system?no_sanity=1": "does not check",
    "qemu+tls://host/system?tls_priority=NORMAL:%2BANON-ECDH": "chooses its own ciphers",
    "qemu+ssh://host/system?command=/tmp/ssh": "names a program",
    "qemu+ssh://host/system?Command=/tmp/ssh": "names a program",
    "qemu+ssh://host/system?netcat=/tmp/nc": "names a program",
    "qemu+ext:///system?command=/tmp/x": "names a program",
    "esx://host/?transport=http": "is not encrypted",
    "qemu+ssh://host/system?name=qemu%2Btcp://other/system": "is not encrypted",
}
NEVER = (
    "",
    "nonsense",
    "/system",
    "qemu:///system\nqemu:///session",
    "qemu:///sys tem",
    "qemu+ssh://host:port/system",
    "qemu+ssh://[half/system",
    "qemu+ssh://-oProxyCommand=id/system",
    "qemu+ssh://-oProxyCommand=id@host/system",
    "qemu+ssh://root:secret@host/system",
    "qemu+ssh://" + "h" * 300 + "/system",
    "qemu+libssh://host/system",
    "QEMU+LIBSSH://host/system",
)


@pytest.mark.parametrize("uri", GOOD)
def test_good_ones_are_given_back(uri: str) -> None:
    assert check_uri(uri) == uri


@pytest.mark.parametrize("uri", UNSAFE)
def test_unsafe_ones_are_refused_unless_they_are_allowed(uri: str) -> None:
    with pytest.raises(Invalid, match=UNSAFE[uri]) as caught:
        check_uri(uri)

    assert "--allow-unsafe" in caught.value.remedy
    assert check_uri(uri, allow_unsafe=True) == uri


@pytest.mark.parametrize("uri", NEVER)
@pytest.mark.parametrize("allowed", [False, True])
def test_what_is_none_or_hides_something_is_refused_always(uri: str, allowed: bool) -> None:
    with pytest.raises(Invalid) as caught:
        check_uri(uri, allow_unsafe=allowed)

    assert "secret" not in str(caught.value)
