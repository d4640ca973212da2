"""Every verb once good and once bad: what it asks of the API, what it prints, and its exit code."""

import json
from typing import Any

import pytest

from tests.unit.cli import fake
from tests.unit.cli.conftest import Provisioner, misused, told_once
from tests.unit.cli.fake import FakeService, Problem
from tests.unit.cli.lab_verbs import LAB_FAULTS, LAB_VERBS
from tests.unit.cli.machine_verbs import MACHINE_FAULTS, MACHINE_VERBS
from tests.unit.cli.network_verbs import NETWORK_FAULTS, NETWORK_VERBS

G, P, T, I = fake.GUEST, fake.PROFILE, fake.TREE, fake.INSTALL  # noqa: E741
BUILT = '{"line": "unpacking"}\n{"line": "packing"}\n' + json.dumps({"image": fake.IMAGE}) + "\n"
NEW = {"install": I, "guest": G, "plan": fake.PLAN}

# words, what the service replies with, the last request's body, lines of stdout
GOOD: list[tuple[str, dict[str, Any], Any, list[str]]] = [
    (
        "guest list",
        {"GET /guests": [G]},
        None,
        [
            "NAME  STATE    STAGE       PROFILE           MEMORY  VCPUS  ADDRESS",
            "web1  running  installing  debian12-image  1024 MiB      2  192.168.90.57",
        ],
    ),
    ("guest list", {"GET /guests": []}, None, []),
    (
        "guest create web1 -p debian12-image --memory 1024 --osinfo debian12",
        {"POST /guests": NEW},
        {"name": "web1", "profile": "debian12-image", "memory": 1024, "osinfo": "debian12"},
        ["web1: install 0f3c9a has begun"],
    ),
    (
        "guest create web1 -p mine --var address=192.0.2.10/24 --var vlan=42",
        {"POST /guests": NEW},
        {"name": "web1", "profile": "mine", "variables": {"address": "192.0.2.10/24", "vlan": 42}},
        ["web1: install 0f3c9a has begun"],
    ),
    (
        "guest create web1 -p mine --no-lint",
        {"POST /guests": NEW},
        {"name": "web1", "profile": "mine", "variables": {"lint": False}},
        ["web1: install 0f3c9a has begun"],
    ),
    ("guest start web1", {"POST /guests/web1/start": {"done": "started"}}, None, []),
    ("guest shutdown web1", {"POST /guests/web1/shutdown": {}}, None, []),
    ("guest reboot web1", {"POST /guests/web1/reboot": {}}, None, []),
    ("guest destroy web1", {"POST /guests/web1/destroy": {}}, None, []),
    ("guest suspend web1", {"POST /guests/web1/suspend": {}}, None, []),
    ("guest resume web1", {"POST /guests/web1/resume": {}}, None, []),
    ("guest reset web1", {"POST /guests/web1/reset": {}}, None, []),
    (
        "guest clone web1 web2",
        {"POST /guests/web1/clone": {**G, "name": "web2", "state": "shut off"}},
        {"name": "web2", "kind": "linked"},
        ["web2: cloned from web1 (linked), shut off, MAC 52:54:00:00:00:01"],
    ),
    (
        "guest clone web1 web2 --full",
        {"POST /guests/web1/clone": {**G, "name": "web2", "state": "shut off"}},
        {"name": "web2", "kind": "full"},
        ["web2: cloned from web1 (full), shut off, MAC 52:54:00:00:00:01"],
    ),
    ("guest display web1", {"GET /guests/web1/display": fake.DISPLAY}, None, ["vnc://127.0.0.1:5900"]),
    (
        "guest display web1 --password --minutes 5",
        {"POST /guests/web1/display": {**fake.DISPLAY, "password": "s3cret-8", "expires": "2026-01-02"}},
        {"minutes": 5},
        ["vnc://127.0.0.1:5900", "s3cret-8"],
    ),
    ("guest autostart web1", {"PUT /guests/web1/autostart": {}}, {"on": True}, []),
    ("guest autostart web1 --disable", {"PUT /guests/web1/autostart": {}}, {"on": False}, []),
    ("guest delete web1 --yes", {"GET /guests/web1": G, "DELETE /guests/web1": {}}, None, []),
    *LAB_VERBS,
    ("guest xml web1", {"GET /guests/web1/xml": {"xml": "<domain/>\n"}}, None, ["<domain/>"]),
    ("guest address web1", {"GET /guests/web1": G}, None, ["192.168.90.57"]),
    (
        "install why web1",
        {"GET /installs/web1/why": fake.WHY},
        None,
        fake.WHY_TOLD,
    ),
    ("install cancel web1", {"GET /installs/web1": I, "POST /installs/0f3c9a/cancel": {}}, None, []),
    (
        "tree add centos7 http://mirror.example/centos/7",
        {"POST /trees": T},
        {"name": "centos7", "source": "http://mirror.example/centos/7"},
        [
            "name     centos7",
            "source   http://mirror.example/centos/7",
            "family   rhel",
            "release  7",
            "kernel   images/pxeboot/vmlinuz",
            "initrd   images/pxeboot/initrd.img",
        ],
    ),
    (
        "tree list",
        {"GET /trees": [T]},
        None,
        ["NAME     FAMILY  RELEASE  SOURCE", "centos7  rhel    7        http://mirror.example/centos/7"],
    ),
    ("tree show centos7 -o json", {"GET /trees/centos7": T}, None, json.dumps(T, indent=2).splitlines()),
    ("tree remove centos7", {"DELETE /trees/centos7": {}}, None, []),
    (
        "image build tiny --tune emulation --mirror http://m.example/debian",
        {"POST /images": BUILT},
        {"name": "tiny", "tune": True, "mirror": "http://m.example/debian"},
        [
            "name     tiny",
            "file     tiny.tar.zst",
            "size     14.2 MB",
            "on disk  31.0 MB",
            f"sha256   {'ab' * 32}",
            "summary  a busybox system",
        ],
    ),
    (
        "image list",
        {"GET /images": [fake.IMAGE]},
        None,
        [
            "NAME     SIZE  ON DISK  TUNED  SHA256        SUMMARY",
            "tiny  14.2 MB  31.0 MB  no     abababababab  a busybox system",
        ],
    ),
    ("image remove tiny", {"DELETE /images/tiny": {}}, None, []),
    (
        "profile list",
        {"GET /profiles": [P]},
        None,
        [
            "NAME  FAMILY  RELEASE  TREE     IMAGE  SOURCE  SUMMARY",
            "mine  rhel    7        centos7  -      yours   a profile of one's own",
        ],
    ),
    (
        "profile show mine",
        {"GET /profiles/mine": P},
        None,
        [
            "name       mine",
            "family     rhel",
            "release    7",
            "tree       centos7",
            "template   rhel/ks.cfg.j2",
            "memory     2048 MiB",
            "vcpus      1",
            "disk       4 GiB",
            "variables  timezone = UTC",
            "summary    a profile of one's own",
            "source     yours",
        ],
    ),
    (
        "profile create mine --family rhel --tree centos7 --template rhel/ks.cfg.j2 --var n=4 --var z=UTC",
        {"POST /profiles": {}},
        {
            "name": "mine",
            "family": "rhel",
            "tree": "centos7",
            "template": "rhel/ks.cfg.j2",
            "variables": {"n": 4, "z": "UTC"},
        },
        [],
    ),
    (
        "profile create mine --family rhel --tree centos7 --no-lint",
        {"POST /profiles": {}},
        {"name": "mine", "family": "rhel", "tree": "centos7", "variables": {"lint": False}},
        [],
    ),
    ("profile copy centos7 mine", {"POST /profiles/centos7/copy": {}}, {"name": "mine"}, []),
    (
        "profile edit mine --memory 4096 --var n=4",
        {"GET /profiles/mine": P, "PUT /profiles/mine": {}},
        {
            **{key: value for key, value in P.items() if key != "shipped"},
            "memory": 4096,
            "variables": {"timezone": "UTC", "n": 4},
        },
        [],
    ),
    (
        "profile explain mine --guest web1",
        {"GET /profiles/mine/explain": fake.EXPLAINED},
        None,
        [
            "NAME      VALUE       FROM",
            "lang      en_US       default",
            "ssh_keys  one two     guest web1",
            "post      echo one …  profile mine",
            "users     ann bob     host local",
            "luks      ***         guest web1",
        ],
    ),
    ("profile remove mine", {"DELETE /profiles/mine": {}}, None, []),
    *MACHINE_VERBS,
    (
        "network list",
        {"GET /networks": [fake.NETWORK]},
        None,
        [
            "NAME     STATE   AUTOSTART  PERSISTENT  MODE  BRIDGE  ADDRESSES         "
            "DHCP                           OURS",
            "default  active  yes        yes         nat   virbr0  192.168.122.1/24  "
            "192.168.122.2-192.168.122.254  no",
        ],
    ),
    *NETWORK_VERBS,
    (
        "pool list",
        {"GET /pools": [fake.POOL]},
        None,
        [
            "NAME     KIND  ACTIVE  AUTOSTART  CAPACITY     FREE  PATH",
            "default  dir   yes     yes        100.0 GB  90.0 GB  /var/lib/libvirt/images",
        ],
    ),
    (
        "answer preview web1",
        {"GET /answers/preview/web1": {"text": "rootpw --iscrypted ***\n"}},
        None,
        ["rootpw --iscrypted ***"],
    ),
    (
        "token",
        {"POST /login-keys": {"url": "http://127.0.0.1:8081/login?key=k"}},
        None,
        ["http://127.0.0.1:8081/login?key=k"],
    ),
]

# words and what the service replies with; what is not there answers 404
BAD: list[tuple[str, dict[str, Any]]] = [
    ("guest list", {"GET /guests": Problem(503, "libvirt does not answer")}),
    ("guest show nobody", {}),
    ("guest create web1 -p nothing", {"POST /guests": Problem(404, "there is no profile nothing")}),
    ("guest create web1 -p tiny --dry-run", {"POST /guests": Problem(409, "the name web1 is taken")}),
    ("guest start nobody", {}),
    ("guest shutdown nobody", {}),
    ("guest reboot nobody", {}),
    ("guest destroy nobody", {}),
    ("guest autostart nobody", {}),
    ("guest suspend nobody", {}),
    ("guest resume nobody", {}),
    ("guest reset nobody", {}),
    ("guest clone nobody web2", {}),
    ("guest clone web1 web2", {"POST /guests/web1/clone": Problem(409, "guest web1 is switched on")}),
    ("guest screenshot web1", {"GET /guests/web1/screenshot": Problem(409, "guest web1 has no screen")}),
    ("guest display nobody", {}),
    ("guest display nobody --password", {}),
    ("guest console web1", {}),
    ("guest delete nobody --yes", {}),
    ("guest delete web1", {"GET /guests/web1": G}),
    *LAB_FAULTS,
    ("guest xml nobody", {}),
    ("guest address web1", {"GET /guests/web1": {**G, "address": None}}),
    ("guest ssh web1", {"GET /guests/web1": {**G, "address": None}}),
    ("install list", {"GET /installs": Problem(503, "the store does not answer")}),
    ("install show nobody", {}),
    ("install wait nobody", {}),
    ("install why nobody", {}),
    ("install cancel nobody", {}),
    ("tree add x http://gone.example/", {"POST /trees": Problem(503, "http://gone.example/ cannot be read")}),
    ("tree list", {"GET /trees": Problem(500, "the service failed")}),
    ("tree show nothing", {}),
    ("tree remove nothing", {}),
    ("image build nothing", {"POST /images": Problem(404, "there is no image recipe nothing")}),
    (
        "image build tiny",
        {"POST /images": '{"line": "x"}\n{"error": "zstd is missing", "remedy": "get it"}\n'},
    ),
    ("image build tiny", {"POST /images": '{"line": "x"}\n'}),
    ("image list", {"GET /images": Problem(503, "the store does not answer")}),
    ("image remove nothing", {}),
    ("profile list", {"GET /profiles": Problem(503, "the store does not answer")}),
    ("profile show nothing", {}),
    ("profile copy nothing mine", {}),
    ("profile edit nothing --memory 512", {}),
    ("profile edit mine --memory 512", {"GET /profiles/mine": {**P, "shipped": True}}),
    ("profile remove nothing", {}),
    *MACHINE_FAULTS,
    ("network list", {"GET /networks": Problem(503, "libvirt does not answer")}),
    *NETWORK_FAULTS,
    ("pool list", {"GET /pools": Problem(503, "libvirt does not answer")}),
    ("answer preview nobody", {}),
    ("answer render /nowhere/ks.cfg", {}),
    ("answer lint /nowhere/ks.cfg", {}),
    ("token", {"POST /login-keys": Problem(503, "the store does not answer")}),
]

USAGE = (
    "nothing",
    "guest nothing",
    "guest create",
    "guest create web1",
    "guest create Web_1 -p tiny",
    "guest create web1 -p tiny --disk size=much",
    "guest create web1 -p tiny --disk volume=4",
    "guest create web1 -p tiny --network net=default",
    "guest create web1 -p tiny --network type=direct",
    "guest create web1 -p tiny --boot uefi,secure=perhaps",
    "guest create web1 -p tiny --mac 52:54:00:00:00:01 --count 2",
    "guest create web1 --name web2 -p tiny",
    "guest create web1 web1 -p tiny",
    "guest create web1 web2 --count 2 -p tiny",
    "guest clone web1",
    "guest clone web1 web{3..1}",
    "guest clone web1 Web{1..3}",
    "guest create web1 -p tiny --mac 12:34",
    "guest create web1 -p tiny --uuid 12",
    "guest create web1 -p tiny --memory lots",
    "guest create web1 -p tiny --boot floppy",
    "guest create web1 -p tiny --osinfo detect=perhaps",
    "guest list --loud",
    "guest list -o csv",
    "profile create mine --family rhel",
    "profile edit mine --var x",
    "machine add rack1",
    "machine install rack1",
    "machine install rack1 --profile centos7 --loader lilo",
    "machine show",
    "completion tcsh",
    "serve --api-port 0",
)


@pytest.mark.parametrize(("words", "replies", "body", "lines"), GOOD, ids=[row[0] for row in GOOD])
def test_good(
    service: FakeService,
    provisioner: Provisioner,
    words: str,
    replies: dict[str, Any],
    body: Any,
    lines: list[str],
) -> None:
    service.replies = replies

    ran = provisioner(*words.split())

    assert (ran.code, ran.out.splitlines()) == (0, lines), ran.err
    assert service.last().body == body


@pytest.mark.parametrize(("words", "replies"), BAD, ids=[row[0] for row in BAD])
def test_bad(service: FakeService, provisioner: Provisioner, words: str, replies: dict[str, Any]) -> None:
    service.replies = replies

    told_once(provisioner(*words.split()))


@pytest.mark.parametrize("words", USAGE)
def test_usage(service: FakeService, provisioner: Provisioner, words: str) -> None:
    misused(provisioner(*words.split()), service)


def test_render_tells_the_family_from_the_text(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"POST /answers/render": {"text": "d-i clock-setup/utc boolean true\n"}}

    ran = provisioner("answer", "render", "-", "--var", "a=b", stdin="d-i clock-setup/utc boolean {{ a }}\n")

    assert (ran.code, ran.out) == (0, "d-i clock-setup/utc boolean true\n")
    assert service.last().body["family"] == "debian"
    assert service.last().body["variables"] == {"a": "b"}
