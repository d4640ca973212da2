"""Small repositories as distributions have them, apt's (signed) and dnf's; roots that they install into."""

import gzip
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LIBRARY = "mirror-library"
PROGRAM = "mirror-program"
"""Depends on the library."""
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
_RELEASE = {"Origin": "Here", "Suite": "stable", "Codename": "stable", "Components": "main"}
_SPEC = """\
Name: {name}
Version: 1
Release: 1
Summary: A package of a test
License: None
BuildArch: noarch
{more}
%description
A package of a test.
%files
/usr/share/{name}
"""


def missing(*tools: str) -> str:
    """Those programs that are not here."""
    return " ".join(tool for tool in tools if not shutil.which(tool))


def run(*words: str | Path, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Raises AssertionError with what it said where it fails."""
    done = subprocess.run(
        words, cwd=cwd, env=_ENVIRONMENT | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done


@dataclass(frozen=True, slots=True)
class AptRepository:
    """A folder `dists` and `pool`; `key` is the armoured public key that its InRelease is signed with."""

    folder: Path
    key: Path
    payload: bytes

    def root(self, place: Path, url: str) -> "AptRoot":
        """An empty system that knows this repository at that address, and no other."""
        for folder in (
            *("etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d", "var/log/apt"),
            *("var/lib/apt/lists/partial", "var/cache/apt/archives/partial"),
            *("var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "tmp"),
        ):
            (place / folder).mkdir(parents=True)
        (place / "var/lib/dpkg/status").touch()
        (place / "etc/apt/sources.list").write_text(f"deb [signed-by={self.key}] {url} stable main\n")
        return AptRoot(place)


@dataclass(frozen=True, slots=True)
class AptRoot:
    """apt of this host, at work on a system in a folder."""

    place: Path

    def apt(self, *words: str) -> str:
        options = {
            "Dir": self.place,
            "Dir::State::status": self.place / "var/lib/dpkg/status",
            "Dir::Log": self.place / "var/log/apt",
            "APT::Architecture": "amd64",
            "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
            "Acquire::Retries": 0,
            "DPkg::Post-Invoke": "",
            "DPkg::Options::": f"--root={self.place}",
        }
        told = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        told += ["-o", "DPkg::Options::=--force-not-root", "-o", "DPkg::Options::=--no-triggers"]
        return run("apt-get", "-q", "-y", *told, *words).stdout

    def payload(self, package: str) -> bytes:
        return (self.place / "usr/share" / package).read_bytes()

    def forget_packages(self) -> None:
        """Removes what apt has downloaded."""
        for file in self.place.glob("var/cache/apt/archives/*.deb"):
            file.unlink()


@contextmanager
def apt_repository(folder: Path, **changed: str) -> Iterator[AptRepository]:
    """`changed` are fields of its Release that are other than they should be."""
    payload = os.urandom(600_000)
    pool, index = folder / "pool/main", folder / "dists/stable/main/binary-amd64"
    pool.mkdir(parents=True)
    index.mkdir(parents=True)
    for name, needs in ((LIBRARY, ""), (PROGRAM, f"Depends: {LIBRARY}\n")):
        _deb(pool, name, needs, payload)
    packages = run("apt-ftparchive", "packages", "pool/main", cwd=folder).stdout
    (index / "Packages").write_text(packages)
    (index / "Packages.gz").write_bytes(gzip.compress(packages.encode(), mtime=0))
    told = [f"-oAPT::FTPArchive::Release::{name}={value}" for name, value in _RELEASE.items()]
    told.append("-oAPT::FTPArchive::Release::Architectures=amd64")
    release = run("apt-ftparchive", *told, "release", "dists/stable", cwd=folder).stdout
    for name, value in changed.items():
        rest = [line for line in release.splitlines() if not line.startswith(f"{name}:")]
        release = "\n".join([f"{name}: {value}", *rest, ""])
    (folder / "dists/stable/Release").write_text(release)
    with tempfile.TemporaryDirectory(prefix="gpg-") as home:  # its socket's path has to be short
        words = ("gpg", "--batch", "--homedir", home, "--passphrase", "")
        try:
            run(*words, "--quick-generate-key", "mirror@example.org", "ed25519", "sign", "1d")
            run(*words, "--clearsign", "-o", "dists/stable/InRelease", "dists/stable/Release", cwd=folder)
            signature = ("--detach-sign", "--armor", "-o", "dists/stable/Release.gpg")
            run(*words, *signature, "dists/stable/Release", cwd=folder)
            key = folder.parent / f"{folder.name}.asc"
            key.write_text(run(*words, "--armor", "--export").stdout)
        finally:
            run("gpgconf", "--homedir", home, "--kill", "all")
    yield AptRepository(folder, key, payload)


def _deb(pool: Path, name: str, needs: str, payload: bytes) -> None:
    with tempfile.TemporaryDirectory(prefix="deb-") as place:
        root = Path(place)
        (root / "DEBIAN").mkdir()
        (root / "usr/share").mkdir(parents=True)
        (root / "usr/share" / name).write_bytes(payload)
        (root / "DEBIAN/control").write_text(
            f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\n"
            f"{needs}Description: a package of a test\n"
        )
        root.chmod(0o755)
        run("dpkg-deb", "--root-owner-group", "-b", root, pool / f"{name}_1_all.deb")


@dataclass(frozen=True, slots=True)
class DnfRepository:
    """A folder with `repodata`."""

    folder: Path
    payload: bytes

    def dnf(self, root: Path, url: str, *words: str) -> str:
        """dnf of this host, at work on a system in a folder that knows this repository and no other."""
        config = root / "dnf.conf"
        root.mkdir(exist_ok=True)
        config.write_text(
            f"[main]\nreposdir={root}/none\ncachedir={root}/cache\nlogdir={root}/log\npersistdir={root}/state\n"
            f"gpgcheck=0\nretries=1\ntsflags=noscripts\nplugins=0\n[here]\nname=here\nbaseurl={url}\n"
        )
        command = ("dnf", "-y", f"--config={config}", f"--installroot={root}", "--releasever=9")
        return run(*command, *words, HOME=str(root)).stdout

    def installed(self, root: Path, package: str) -> bytes:
        return (root / "usr/share" / package).read_bytes()


def dnf_repository(folder: Path) -> DnfRepository:
    payload = os.urandom(600_000)
    folder.mkdir(parents=True)
    for name, more in ((LIBRARY, ""), (PROGRAM, f"Requires: {LIBRARY}")):
        with tempfile.TemporaryDirectory(prefix="rpm-") as place:
            share = Path(place, "root/usr/share")
            share.mkdir(parents=True)
            (share / name).write_bytes(payload)
            spec = Path(place, f"{name}.spec")
            spec.write_text(_SPEC.format(name=name, more=more))
            words = ("--define", f"_topdir {place}/top", "--define", f"_rpmdir {folder}")
            run("rpmbuild", "-bb", "--buildroot", f"{place}/root", *words, spec, HOME=place)
    run("createrepo_c", "--general-compress-type=gz", folder)
    return DnfRepository(folder, payload)
