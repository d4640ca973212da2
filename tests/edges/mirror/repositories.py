"""Made-up repositories as createrepo_c and apt-ftparchive write them, signed where somebody signs."""

import gzip
import lzma
import random
from collections.abc import Mapping
from email.utils import formatdate
from hashlib import md5, sha256
from pathlib import Path

from tests.unit.mirror.signing import Signer


def put(folder: Path, path: str, data: bytes) -> None:
    place = folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)


def flip(place: Path, dice: random.Random | None = None) -> None:
    """One bit of a file, not of its first bytes."""
    data = bytearray(place.read_bytes())
    at = (dice or random).randrange(min(8, len(data) - 1), len(data))
    data[at] ^= 1 << (dice or random).randrange(8)
    place.write_bytes(data)


def rpm_repository(
    folder: Path, packages: Mapping[str, bytes], revision: int = 1, signer: Signer | None = None
) -> dict[str, str]:
    """Packages by their paths. The path of each list, by its kind."""
    for path, data in packages.items():
        put(folder, path, data)
    rows = "".join(
        f'<package type="rpm"><name>{Path(path).stem}</name><arch>x86_64</arch>'
        f'<checksum type="sha256" pkgid="YES">{sha256(data).hexdigest()}</checksum>'
        f'<summary>s</summary><size package="{len(data)}" installed="1" archive="1"/>'
        f'<location href="{path}"/><format><rpm:license>x</rpm:license></format></package>'
        for path, data in packages.items()
    )
    primary = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<metadata xmlns="http://linux.duke.edu/metadata/common" '
        f'xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="{len(packages)}">{rows}</metadata>'
    ).encode()
    filelists = (
        f'<filelists xmlns="http://linux.duke.edu/metadata/filelists" packages="{revision}"/>'.encode()
    )
    kinds, said = {}, ""
    for kind, text in (("primary", primary), ("filelists", filelists)):
        data = gzip.compress(text, mtime=0)
        digest = sha256(data).hexdigest()
        kinds[kind] = f"repodata/{digest}-{kind}.xml.gz"
        put(folder, kinds[kind], data)
        said += (
            f'<data type="{kind}"><checksum type="sha256">{digest}</checksum>'
            f'<open-checksum type="sha256">{sha256(text).hexdigest()}</open-checksum>'
            f'<location href="{kinds[kind]}"/><timestamp>1</timestamp><size>{len(data)}</size></data>'
        )
    repomd = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<repomd xmlns="http://linux.duke.edu/metadata/repo" '
        f'xmlns:rpm="http://linux.duke.edu/metadata/rpm"><revision>{revision}</revision>{said}</repomd>'
    ).encode()
    put(folder, "repodata/repomd.xml", repomd)
    if signer is not None:
        put(folder, "repodata/repomd.xml.asc", signer.detached(repomd))
    return kinds


def centos_tree(folder: Path, signer: Signer, packages: int = 20, seed: int = 7) -> list[str]:
    """A tree with its installer; the paths of all its files that something vouches for."""
    dice = random.Random(seed)
    images = {
        "images/pxeboot/vmlinuz": dice.randbytes(60_000),
        "images/pxeboot/initrd.img": dice.randbytes(200_000),
        "LiveOS/squashfs.img": dice.randbytes(300_000),
    }
    sums = ""
    for path, data in images.items():
        put(folder, path, data)
        sums += f"{path} = sha256:{sha256(data).hexdigest()}\n"
    general = "[general]\nname = CentOS-7\nfamily = CentOS\nversion = 7\narch = x86_64\n"
    put(folder, ".treeinfo", f"{general}[checksums]\n{sums}".encode())
    rpms = {f"Packages/p{number}-1-1.x86_64.rpm": dice.randbytes(5000) for number in range(packages)}
    kinds = rpm_repository(folder, rpms, signer=signer)
    return [*images, *rpms, *kinds.values(), "repodata/repomd.xml"]


def debian_repository(
    folder: Path,
    packages: Mapping[str, bytes],
    signer: Signer | None = None,
    *,
    date: float = 1_700_000_000,
    suite: str = "stable",
) -> dict[str, str]:
    """Packages by the names of their files. The path of each package in the pool."""
    stanzas, paths = [], {}
    for name, data in packages.items():
        paths[name] = f"pool/main/{name[0]}/{name.partition('_')[0]}/{name}"
        put(folder, paths[name], data)
        stanzas.append(
            f"Package: {name.partition('_')[0]}\nVersion: 1\nArchitecture: amd64\nFilename: {paths[name]}\n"
            f"Size: {len(data)}\nMD5sum: {md5(data).hexdigest()}\nSHA256: {sha256(data).hexdigest()}\n"
        )
    listed = "\n".join(stanzas).encode()
    linux = b"kernel of %d" % date
    sums = f"{sha256(linux).hexdigest()}  ./netboot/linux\n".encode()
    images = "main/installer-amd64/current/images"
    put(folder, f"dists/{suite}/{images}/netboot/linux", linux)
    members = {
        "main/binary-amd64/Packages": listed,
        "main/binary-amd64/Packages.xz": lzma.compress(listed),
        f"{images}/SHA256SUMS": sums,
    }
    for path, data in members.items():
        put(folder, f"dists/{suite}/{path}", data)
        digest = sha256(data).hexdigest()
        put(folder, f"dists/{suite}/{path.rpartition('/')[0]}/by-hash/SHA256/{digest}", data)
    rows = "".join(f" {sha256(data).hexdigest()} {len(data)} {path}\n" for path, data in members.items())
    release = (
        f"Origin: Debian\nSuite: {suite}\nDate: {formatdate(date, usegmt=True)}\nAcquire-By-Hash: yes\n"
        f"SHA256:\n{rows}"
    ).encode()
    put(folder, f"dists/{suite}/Release", release)
    if signer is not None:
        put(folder, f"dists/{suite}/InRelease", signer.inline(release))
        put(folder, f"dists/{suite}/Release.gpg", signer.detached(release))
    return paths
