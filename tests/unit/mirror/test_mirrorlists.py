"""Mirrorlists of mirrors, as servers give them: which URLs are such lists, and what they name."""

import pytest

from provisioner.core.source import is_mirror_list
from provisioner.mirror.mirrorlists import roots

LISTS = {
    "http://mirrorlist.centos.org/?release=7&arch=x86_64&repo=os": True,
    "https://mirrors.fedoraproject.org/metalink?repo=fedora-42&arch=x86_64": True,
    "https://mirrors.almalinux.org/mirrorlist/9/baseos": True,
    "https://m.example/mirrorlist": True,
    "https://m.example/os.meta4": True,
    "http://mirrors.ubuntu.com/mirrors.txt": True,
    "http://m.example/debian": False,
    "ftp://m.example/mirrorlist": False,
    "nfs://m.example/os?version=3": False,
}
V3 = """<?xml version="1.0" encoding="utf-8"?>
<metalink version="3.0" xmlns="http://www.metalinker.org/" xmlns:mm0="http://fedorahosted.org/mirrormanager">
 <files><file name="repomd.xml"><mm0:timestamp>1</mm0:timestamp><resources maxconnections="1">
  <url protocol="rsync" type="rsync" preference="100">rsync://a.example/os/repodata/repomd.xml</url>
  <url protocol="http" type="http" preference="90">http://b.example/os/repodata/repomd.xml</url>
  <url protocol="https" type="https" preference="100">
    https://a.example/os/repodata/repomd.xml
  </url>
 </resources></file></files></metalink>"""
V4 = """<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="repomd.xml">
<url location="de" priority="2">https://b.example/os/repodata/repomd.xml</url>
<url location="us" priority="1">https://a.example/os/repodata/repomd.xml</url></file></metalink>"""
A, B = "https://a.example/os", "https://b.example/os"
NAMED: dict[str, tuple[str, list[str]]] = {
    "lines": (f"# of 2026\n{A}/\r\n\n{B}\n{A}\n", [A, B]),
    "variables": ("https://a.example/$basearch/os\n", []),
    "metalink 3": (V3, [A, "http://b.example/os"]),
    "metalink 4": (V4, [A, B]),
    "other protocols": ("ftp://a.example/os\nnfs://a.example/os\nrsync://a/x\nfile:///etc\n/etc\n", []),
    "places within": (
        "http://127.0.0.1/x\nhttp://localhost/x\nhttp://[::1]/x\nhttp://10.0.0.1/x\nhttp://0x7f.1/x\n",
        [],
    ),
    "logins and questions": (
        "http://me:secret@a.example/x\nhttp://a.example/?x\nhttp://a.example:port/\n",
        [],
    ),
    "a web page": ("<html><a href='https://a.example/os'>a</a></html>", []),
    "broken XML": (V4[:-20], []),
    "a document type": ('<!DOCTYPE x [<!ENTITY a "https://a.example">]>' + V4.replace("de", "&a;"), []),
    "a priority that is none": (V4.replace('priority="2"', 'priority="first"'), [B, A]),
    "nothing": ("", []),
}


@pytest.mark.parametrize("url", LISTS)
def test_a_list_is_told_by_its_url(url: str) -> None:
    assert is_mirror_list(url) == LISTS[url]


@pytest.mark.parametrize("name", NAMED)
def test_what_a_list_names(name: str) -> None:
    text, named = NAMED[name]

    assert roots(text.encode()) == named
