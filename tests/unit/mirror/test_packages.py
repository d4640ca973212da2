"""Packages with what they give and need, out of the lists that repositories have; and groups."""

import pytest

from provisioner.core.digest import Expected
from provisioner.core.errors import Invalid
from provisioner.core.mirror import Listed, Package
from provisioner.mirror import packages_deb, packages_rpm

PRIMARY = """<?xml version="1.0" encoding="UTF-8"?>
<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm">
<package type="rpm"><name>web</name><checksum type="sha256" pkgid="YES">{digest}</checksum>
<size package="10" installed="1" archive="1"/><location href="Packages/web.rpm"/>
<format><rpm:provides><rpm:entry name="web"/><rpm:entry name="webserver"/></rpm:provides>
<rpm:requires><rpm:entry name="libc.so.6()(64bit)"/><rpm:entry name="rpmlib(X)"/><rpm:entry name="webserver"/>
<rpm:entry name="config(web)"/><rpm:entry name="(a(x86-64) &gt;= 2 or b)"/>
<rpm:entry name="(tuned if tuned-ppd)"/><rpm:entry name="(p and q)"/></rpm:requires>
<rpm:recommends><rpm:entry name="logrotate"/></rpm:recommends><file>/usr/sbin/web</file></format></package>
<package type="rpm"><name>web2</name><checksum type="sha" pkgid="YES">{short}</checksum>
<size package="7"/><location href="web2.rpm"/><format/></package>
</metadata>"""
COMPS = """<?xml version="1.0"?><!DOCTYPE comps PUBLIC "-//x" "comps.dtd"><comps>
<group><id>core</id><name>Core</name><packagelist>
<packagereq type="mandatory">bash</packagereq><packagereq type="default">vim</packagereq>
<packagereq type="optional">emacs</packagereq></packagelist></group>
<environment><id>minimal</id><grouplist><groupid>core</groupid></grouplist>
<optionlist><groupid>standard</groupid></optionlist></environment></comps>"""
PACKAGES = """Package: web
Priority: optional
Depends: libc6 (>= 2.34), default-mta | mail-transport-agent
Pre-Depends: init
Recommends: logrotate
Provides: httpd, httpd-cgi (= 1)
Filename: pool/main/w/web.deb
Size: 10
SHA256: {digest}

Package: broken-off"""
DIGEST = "ab" * 32


def test_a_list_of_rpms() -> None:
    text = PRIMARY.format(digest=DIGEST, short="cd" * 20).encode()
    web, web2 = packages_rpm.read([text[:300], text[300:]], "BaseOS")

    assert web == Package(
        "web",
        Listed("BaseOS/Packages/web.rpm", Expected("sha256", DIGEST, 10, "BaseOS/repodata/primary.xml")),
        frozenset({"web", "webserver", "/usr/sbin/web"}),
        (("libc.so.6()(64bit)",), ("a(x86-64)", "b"), ("p",), ("q",)),
        (("tuned",), ("logrotate",)),
    )
    assert web2.file.expected is not None and web2.file.expected.algorithm == "sha1"
    assert (web2.file.path, web2.needs, web2.gives) == ("BaseOS/web2.rpm", (), frozenset())


def test_groups() -> None:
    assert packages_rpm.read_groups([COMPS.encode()]) == {"core": ("bash", "vim"), "^minimal": ("@core",)}


@pytest.mark.parametrize(
    "text",
    [
        "<metadata><package>",
        "no XML at all",
        '<!DOCTYPE x [<!ENTITY a "b">]><metadata>&a;</metadata>',
    ],
)
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        packages_rpm.read([text.encode()], "")


def test_a_list_of_debs() -> None:
    text = PACKAGES.format(digest=DIGEST).encode()
    (web,) = packages_deb.read([text[:50], text[50:]], "base/")

    assert web == Package(
        "web",
        Listed("base/pool/main/w/web.deb", Expected("sha256", DIGEST, 10, "Packages")),
        frozenset({"httpd", "httpd-cgi"}),
        (("init",), ("libc6",), ("default-mta", "mail-transport-agent")),
        (("logrotate",),),
        "optional",
    )
