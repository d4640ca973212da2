"""Wrong calls against the true service on the true libvirt: one sentence, its code, nothing left behind."""

import io
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioner.cli.demo import service
from provisioner.cli.demo.site import Site, free_ports
from provisioner.cli.errors import run
from provisioner.cli.root import cli
from tests.lab.networks import virsh

POOL, ASLEEP, NETWORK = "wrong-calls", "wrong-calls-asleep", "wrong-calls-off"
pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("virsh"), reason="needs root and libvirt (make setup)"
)


@dataclass(frozen=True)
class World:
    """What stands ready: `media` are the files of the media folder by a word of this table."""

    media: dict[str, Path]

    def filled(self, text: str) -> str:
        """The text with each {word} of `media` as that file's path."""
        for word, path in self.media.items():
            text = text.replace(f"{{{word}}}", str(path))
        return text


def left() -> list[str]:
    """What the calls of this table could have made on the host; others work there too."""
    asked = {"web1", "web2", "web01", "web02", "web03", "lan1", "p1", "far"}
    lists = ("list --all --name", "net-list --all --name", "pool-list --all --name")
    names = {name.strip() for words in lists for name in virsh(*words.split()).splitlines()}
    volumes = [line.split()[0] for line in virsh("vol-list", POOL).splitlines() if line.strip()]
    return sorted(asked & names) + volumes


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    place = Path(tempfile.mkdtemp(prefix="provisioner-wrong-", dir="/var/lib"))
    place.chmod(0o755)
    _clean()  # a run that was killed left them
    try:
        yield from _served(place)
    finally:
        _clean()
        shutil.rmtree(place)


def _clean() -> None:
    for name in (POOL, ASLEEP):
        virsh("pool-destroy", name, check=False)
        virsh("pool-undefine", name, check=False)
    virsh("net-undefine", NETWORK, check=False)


def _served(place: Path) -> Iterator[World]:
    for name in (POOL, ASLEEP):
        (place / name).mkdir()
        virsh("pool-define-as", name, "dir", "--target", str(place / name))
    virsh("pool-start", POOL)
    (place / "net.xml").write_text(f"<network><name>{NETWORK}</name><bridge name='wrongoff'/></network>")
    virsh("net-define", str(place / "net.xml"))
    site = Site(place / "state")
    site.state_dir.mkdir()
    (site.state_dir / "media").mkdir()
    names = ("api_port", "http_port", "syslog_port", "dhcp_port", "proxy_port", "tftp_port")
    settings = {
        "state_dir": str(site.state_dir),
        "libvirt_uri": "qemu:///system",
        "interfaces": ["lo", "virbr0"],
        **dict(zip(names, free_ports(len(names)), strict=True)),
    }
    media = _media(site.state_dir / "media", place)
    service.start(site, settings)
    before = dict(os.environ)
    os.environ |= {"PROVISIONER_STATE_DIR": str(site.state_dir), "XDG_STATE_HOME": str(place / "xdg")}
    try:
        _ready()
        yield World(media)
    finally:
        os.environ.clear()
        os.environ.update(before)
        service.stop(site)


def _media(folder: Path, outside: Path) -> dict[str, Path]:
    found = {name: folder / file for name, file in {"text": "text.iso", "huge": "huge.qcow2"}.items()}
    found["text"].write_text("this is no image\n" * 200)
    image = ["qemu-img", "create", "-q", "-f", "qcow2"]
    for name, words in {"small": ["64M"], "large": ["300G"]}.items():
        found[name] = folder / f"{name}.qcow2"
        subprocess.run([*image, str(found[name]), *words], check=True)
    found["backed"] = folder / "backed.qcow2"
    subprocess.run([*image, "-b", str(found["small"]), "-F", "qcow2", str(found["backed"])], check=True)
    header = bytearray(found["small"].read_bytes())
    header[24:32] = struct.pack(">Q", 8 << 60)
    found["huge"].write_bytes(header)
    found["cut"] = folder / "cut.qcow2"
    found["cut"].write_bytes(found["small"].read_bytes()[:40])
    found["outside"] = outside / "outside.qcow2"
    shutil.copy(found["small"], found["outside"])
    found["folder"] = folder
    return found


def _ready() -> None:
    """The mini installer's tree is built beside the start; the calls below name it."""
    code, _, err = call("guest create ready -p tiny --dry-run --network user")
    assert code == 1 and "tiny" in err, err


def call(words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(cli, words.split())
    return code, out.getvalue(), err.getvalue()


NEW = f"guest create web1 -p tiny --disk size=1,pool={POOL}"
IMPORT = f"guest create web1 --import --disk {{small}},pool={POOL}"
# The words, the exit code, and what the sentence names.
WRONG: tuple[tuple[str, int, str], ...] = (
    # names and ids
    ("guest create Web1 -p tiny", 2, "Web1"),
    ("guest create web_1 -p tiny", 2, "web_1"),
    ("guest create we'b -p tiny", 2, "we'b"),
    ("guest create a]]>b -p tiny", 2, "a]]>b"),
    ("guest create -p tiny", 2, "name"),
    ("guest create web1 --name web2 -p tiny", 2, "once"),
    ("guest create web1", 2, "--profile"),
    ("guest create web{9..1} -p tiny", 2, "{9..1}"),
    ("guest create web{01..03} --count 2 -p tiny", 2, "--count"),
    ("guest create web1 -p tiny --mac 01:00:5e:00:00:01", 2, "multicast"),
    ("guest create web1 -p tiny --mac 52:54:00", 2, "52:54:00"),
    ("guest create web1 -p tiny --uuid 1234", 2, "1234"),
    ("guest create web{1..2} -p tiny --mac 52:54:00:00:00:01", 2, "--mac"),
    # options that are not known, or not so
    ("guest create web1 -p tiny --memry 512", 2, "--memory"),
    ("guest create web1 -p tiny --disk sise=4", 2, "size"),
    ("guest create web1 -p tiny --disk size=four", 2, "four"),
    ("guest create web1 -p tiny --disk size=0", 2, "size=0"),
    ("guest create web1 -p tiny --disk size=99999999", 2, "65536"),
    ("guest create web1 -p tiny --disk size=4,format=vmdk", 2, "vmdk"),
    ("guest create web1 -p tiny --disk size=4,bus=nvme", 2, "nvme"),
    ("guest create web1 -p tiny --disk vol=default", 2, "vol=POOL/VOLUME"),
    ("guest create web1 -p tiny --network bridge=", 2, "bridge"),
    ("guest create web1 -p tiny --network brige=br0", 2, "bridge"),
    ("guest create web1 -p tiny --network network=default,model=ne2k", 2, "ne2k"),
    ("guest create web1 -p tiny --boot efi", 2, "efi"),
    ("guest create web1 -p tiny --boot uefi,secure=maybe", 2, "maybe"),
    ("guest create web1 -p tiny --memory 64", 2, "64"),
    ("guest create web1 -p tiny --vcpus 0", 2, "0"),
    ("guest create web1 -p tiny --graphics spice", 2, "spice"),
    ("guest create web1 -p tiny --method ipxe", 2, "ipxe"),
    # what goes with what
    ("guest create web1 -p tiny --location mini --cdrom x.iso", 1, "--location and --cdrom"),
    ("guest create web1 -p tiny --pxe --location mini", 1, "--location"),
    ("guest create web1 -p tiny --cloud-init", 1, "--cloud-init"),
    ("guest create web1 -p tiny --noreboot", 1, "import"),
    ("guest create web1 --import", 1, "disk image"),
    ("guest create web1 --import --disk size=4", 1, "disk image"),
    (f"{NEW} --disk {{small}}", 1, "only the first disk of an import"),
    # what is not there
    ("guest create web1 -p nothing", 1, "nothing"),
    ("guest create web1 --location nothing", 1, "nothing"),
    ("guest create web1 --location /nowhere/at/all", 1, "/nowhere/at/all"),
    ("guest create web1 --location http://127.0.0.1:9/tree", 1, "http://127.0.0.1:9/tree"),
    ("guest create web1 --location ftp://me:secret@127.0.0.1:9/tree", 1, "127.0.0.1"),
    ("guest create web1 --location nfs:127.0.0.1:/no/export", 1, "/no/export"),
    ("guest create web1 --location gopher://x/tree", 1, "gopher"),
    ("guest create web1 --location {folder}", 1, "{folder}"),
    ("guest create web1 --location mini -p centos7", 1, "centos7"),
    ("guest create web1 -p tiny --disk size=1,pool=nopool", 1, "nopool"),
    (f"guest create web1 -p tiny --disk size=1,pool={ASLEEP}", 1, ASLEEP),
    (f"{NEW} --network network=nonet", 1, "nonet"),
    (f"{NEW} --network network={NETWORK}", 1, NETWORK),
    (f"{NEW} --network bridge=br77", 1, "br77"),
    (f"{NEW} --network type=direct,source=eth77", 1, "eth77"),
    (f"{NEW} --connect nobody", 1, "nobody"),
    (f"{NEW} --connect qemu+tcp://127.0.0.1/system", 1, "tcp"),
    (f"{NEW} --connect qemu+ssh://127.0.0.1/system?no_verify=1", 1, "no_verify"),
    (f"guest create web1 --import --disk vol={POOL}/nothing", 1, "nothing"),
    # more than there is
    (f"{NEW} --memory 16000000", 1, "memory"),
    (f"{NEW} --vcpus 700", 1, "700"),
    (f"guest create web1 -p tiny --disk size=60000,pool={POOL}", 1, POOL),
    (f"guest create web1 --import --disk {{large}},size=1,pool={POOL}", 1, "300.0 GiB"),
    # media
    ("guest create web1 --cdrom {text}", 1, "{text}"),
    ("guest create web1 --cdrom {small}", 1, "ISO"),
    ("guest create web1 --cdrom {folder}/none.iso", 1, "none.iso"),
    ("guest create web1 --cdrom /etc/passwd", 1, "/etc/passwd"),
    (f"guest create web1 --import --disk {{outside}},pool={POOL}", 1, "media"),
    (f"guest create web1 --import --disk {{text}},pool={POOL}", 1, "text.iso"),
    (f"guest create web1 --import --disk {{backed}},pool={POOL}", 1, "backing"),
    (f"guest create web1 --import --disk {{huge}},pool={POOL}", 1, "huge.qcow2"),
    (f"guest create web1 --import --disk {{cut}},pool={POOL}", 1, "cut.qcow2"),
    (f"{IMPORT},linked=on,format=raw", 2, "linked"),
    (f"{IMPORT} --cloud-init user-data=/nowhere/user-data", 1, "/nowhere/user-data"),
    (f"{IMPORT} --cloud-init userdata=x", 2, "user-data"),
    # guests that are none
    ("guest start nobody", 1, "nobody"),
    ("guest delete nobody --yes", 1, "nobody"),
    ("guest console nobody", 1, "nobody"),
    ("guest screenshot nobody", 1, "nobody"),
    ("guest clone nobody web2", 1, "nobody"),
    ("guest suspend nobody", 1, "nobody"),
    # networks, pools, volumes, media, hosts
    ("network show nonet", 1, "nonet"),
    ("network delete nonet --yes", 1, "nonet"),
    ("network create lan1 --mode nat --subnet 192.168.122.0/24", 1, "192.168.122"),
    ("network create lan1 --mode nat --subnet nonsense", 1, "nonsense"),
    ("network create lan1 --mode wired --subnet 10.99.0.0/24", 2, "wired"),
    ("pool create p1 --path relative", 1, "relative"),
    ("pool create p1 --path /etc", 1, "/etc"),
    ("pool delete nopool --yes", 1, "nopool"),
    (f"volume create {POOL} v1 9999999G", 1, "64 TiB"),
    (f"volume create {POOL} v1 60000G", 1, POOL),
    (f"volume create {POOL} v1 lots", 2, "lots"),
    (f"volume delete {POOL} nothing --yes", 1, "nothing"),
    (f"volume upload {POOL} v1 /nowhere/file", 2, "/nowhere/file"),
    ("media add /nowhere/file", 2, "/nowhere/file"),
    ("media remove nothing", 1, "nothing"),
    ("loader add /etc/hostname --firmware uefi --name grubx64.efi", 1, "text"),
    ("loader add /etc/hostname --firmware toaster", 1, "toaster"),
    ("loader remove ../../etc/passwd", 1, "passwd"),
    ("host add far qemu+tcp://far/system", 1, "tcp"),
    ("host show nobody", 1, "nobody"),
    ("tree add evil /etc", 1, "/etc"),
)


@pytest.mark.parametrize(("words", "code", "names"), WRONG, ids=[row[0] for row in WRONG])
def test_a_wrong_call_is_one_sentence_and_leaves_nothing(
    world: World, words: str, code: int, names: str
) -> None:
    ended, out, err = call(world.filled(words))

    told = [line for line in err.splitlines() if not line.startswith(("remedy: ", "Usage: ", "Try "))]
    told = [line for line in told if line and not line.startswith("warning: ")]
    assert (ended, out) == (code, ""), err
    assert len(told) == 1 and told[0].lower().startswith("error: "), err
    assert world.filled(names) in err
    assert "secret" not in err
    assert left() == []
