"""The forms of a tree's source, and that a password in one is never printed."""

import pytest

from provisioner.core.errors import Invalid
from provisioner.core.source import kind, normalise, shown

TAKEN = {
    "/srv/tree/": ("/srv/tree", "path"),
    " /srv/tree ": ("/srv/tree", "path"),
    "/srv/CentOS 7.iso": ("/srv/CentOS 7.iso", "path"),
    "file:///srv/tree": ("/srv/tree", "path"),
    "http://mirror.example/debian/": ("http://mirror.example/debian", "http"),
    "https://mirror.example:8443": ("https://mirror.example:8443", "http"),
    "ftp://mirror.example/pub/os/": ("ftp://mirror.example/pub/os", "ftp"),
    "ftp://me:p%40ss@mirror.example:2121//srv/os": ("ftp://me:p%40ss@mirror.example:2121//srv/os", "ftp"),
    "nfs://host.example/export/os/": ("nfs://host.example/export/os", "nfs"),
    "nfs://192.0.2.1:2050/export": ("nfs://192.0.2.1:2050/export", "nfs"),
    "nfs://host/export?version=3": ("nfs://host/export?version=3", "nfs"),
    "nfs:host:/export/os": ("nfs://host/export/os", "nfs"),
    "nfs:host:/export/a b": ("nfs://host/export/a%20b", "nfs"),
    "nfs:nfsvers=4.1:host:/export": ("nfs://host/export?version=4", "nfs"),
}


@pytest.mark.parametrize("text", TAKEN)
def test_a_source_is_taken(text: str) -> None:
    source = normalise(text)

    assert (source, kind(source)) == TAKEN[text]
    assert normalise(source) == source


NO_SOURCE = "is none of: an absolute directory or ISO file, an http, https, ftp or nfs URL"
REFUSED = {
    "srv/tree": f"tree source 'srv/tree' {NO_SOURCE}",
    "": f"tree source '' {NO_SOURCE}",
    "sftp://me:hunter2@mirror.example/x": f"tree source 'sftp://me:***@mirror.example/x' {NO_SOURCE}",
    "nfs:host:export": f"tree source 'nfs:host:export' {NO_SOURCE}",
    "http://": f"tree source 'http://' {NO_SOURCE}",
    "http:///x": f"tree source 'http:///x' {NO_SOURCE}",
    "ftp://me:hunter2/x@mirror.example/x": "tree source at me: the port is not a number",
    "http://me:hunter2@mirror.example/x": (
        "tree source at mirror.example: a URL with a password is taken for ftp only"
    ),
    "http://mirror.example/x?y": "tree source at mirror.example: a URL with ? or # is not supported",
    "ftp://mirror.example/x#y": "tree source at mirror.example: a URL with ? or # is not supported",
    "ftp://mirror.example/x%0d%0aDELE": (
        "tree source at mirror.example: there is a line break or another control character in it"
    ),
    "nfs://host": "tree source nfs://host: the export's path is missing, or has a ? in it",
    "nfs://host/a%3fb": "tree source nfs://host/a?b: the export's path is missing, or has a ? in it",
    "nfs://host/export?version=2": (
        "tree source nfs://host/export: ?version=2 is not known; ?version=3 and ?version=4 are"
    ),
    "nfs://host/export?uid=0": (
        "tree source nfs://host/export: ?uid=0 is not known; ?version=3 and ?version=4 are"
    ),
    "nfs://[::1]/export": "tree source nfs://::1/export: the host must be a name or an IPv4 address",
    "nfs:hard:host:/export": "NFS option 'hard' is not known; nfsvers=3 and nfsvers=4 are",
}


@pytest.mark.parametrize("text", REFUSED)
def test_another_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        normalise(text)

    assert str(refusal.value) == REFUSED[text]
    assert "hunter2" not in str(refusal.value) + refusal.value.remedy


SHOWN = {
    "ftp://me:hunter2@host/x": "ftp://me:***@host/x",
    "ftp://me@host/x": "ftp://me@host/x",
    "ftp://me:@host/x": "ftp://me:***@host/x",
    "http://host:80/a@b": "http://host:80/a@b",
    "/srv/a:b@c": "/srv/a:b@c",
    "tree t is at ftp://me:hunter2@host/x, gone": "tree t is at ftp://me:***@host/x, gone",
}


def test_what_is_printed_of_a_source() -> None:
    assert {text: shown(text) for text in SHOWN} == SHOWN
