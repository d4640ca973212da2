"""apt with a state folder of its own: the host's mirror is asked, the host's package state is not touched."""

import hashlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

Stanza = dict[str, str]
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_CONFIG = """\
Dir::State "{root}";
Dir::State::status "/dev/null";
Dir::State::lists "{root}/lists";
Dir::Cache "{root}/cache";
Dir::Etc::sourcelist "{root}/sources.list";
Dir::Etc::sourceparts "{root}/none";
APT::Architecture "{architecture}";
APT::Architectures "{architecture}";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
DPkg::Post-Invoke "";
"""


def stanzas(text: str) -> list[Stanza]:
    """The paragraphs of a control file; a continued value keeps its line breaks."""
    rows = []
    for paragraph in text.split("\n\n"):
        row: Stanza = {}
        last = ""
        for line in paragraph.splitlines():
            if line[:1] in (" ", "\t") and last:
                row[last] += "\n" + line
            elif ":" in line:
                last, _, value = line.partition(":")
                row[last] = value.strip()
        if row:
            rows.append(row)
    return rows


def archive() -> str:
    """The Debian mirror that apt on this host is configured for."""
    mirror = next(_configured(), None)
    if mirror is None:
        raise SystemExit("error: no Debian archive among the apt sources of this host")
    return mirror.rstrip("/")


def _configured() -> Iterator[str]:
    etc = Path("/etc/apt")
    for file in sorted(etc.glob("sources.list.d/*.sources")):
        for row in stanzas(_uncommented(file)):
            yield from (uri for uri in row.get("URIs", "").split() if _is_archive(uri))
    for file in [etc / "sources.list", *sorted(etc.glob("sources.list.d/*.list"))]:
        if file.is_file():
            words = _uncommented(file).split()
            yield from (word for word in words if _is_archive(word))


def _uncommented(file: Path) -> str:
    return "\n".join(line for line in file.read_text().splitlines() if not line.startswith("#"))


def _is_archive(uri: str) -> bool:
    parts = urlsplit(uri)
    return parts.scheme in ("http", "https") and parts.path.rstrip("/").endswith("/debian")


class Apt:
    """The private apt for one suite of a mirror: `root` holds its lists, cache and configuration.

    `architecture` as dpkg writes it, whatever this host is.
    """

    def __init__(self, root: Path, mirror: str, suite: str, architecture: str = "amd64") -> None:
        for folder in ("lists/partial", "cache/archives/partial"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror} {suite} main\n")
        (root / "apt.conf").write_text(_CONFIG.format(root=root, architecture=architecture))
        self.root = root
        self.mirror = mirror
        self.suite = suite
        self.architecture = architecture
        self.environment = {"APT_CONFIG": str(root / "apt.conf"), "LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin"}

    def update(self) -> None:
        try:
            self._run("apt-get", "-qq", "update")
        except subprocess.CalledProcessError as error:
            said = error.stderr.strip().splitlines() or ["apt-get update failed"]
            raise SystemExit(f"error: {self.mirror}: {said[0]}") from error

    def packages(self) -> list[Stanza]:
        """The index of ordinary packages."""
        (packed,) = self.root.glob(f"lists/*_main_binary-{self.architecture}_Packages*")
        return stanzas(self._run("/usr/lib/apt/apt-helper", "cat-file", str(packed)))

    def pieces(self) -> tuple[list[Stanza], bool]:
        """The index of the installer's pieces, and whether it is the one that the mirror's Release names.

        Mirrors in the middle of a synchronisation, and some that keep packages only, hold an older one.
        """
        folder = f"dists/{self.suite}/main/debian-installer/binary-amd64"
        (release,) = self.root.glob("lists/*_InRelease")
        target = self.root / "pieces.xz"
        target.unlink(missing_ok=True)
        self._download(f"{folder}/Packages.xz", target)
        named = f" {hashlib.sha256(target.read_bytes()).hexdigest()} " in release.read_text()
        return stanzas(self._run("/usr/lib/apt/apt-helper", "cat-file", str(target))), named

    def fetch_piece(self, row: Stanza, target: Path) -> None:
        """Downloads one of the installer's pieces. Raises LookupError where the mirror does not hold it."""
        try:
            self._download(row["Filename"], target, f"SHA256:{row['SHA256']}")
        except subprocess.CalledProcessError as error:
            raise LookupError(row["Package"]) from error

    def _download(self, path: str, target: Path, *checksum: str) -> None:
        self._run("/usr/lib/apt/apt-helper", "download-file", f"{self.mirror}/{path}", str(target), *checksum)

    def fetch(self, package: str, folder: Path) -> Path:
        """Downloads one package file. Raises LookupError where the index names a file that is not there."""
        folder.mkdir(parents=True, exist_ok=True)
        held = sorted(folder.glob(f"{package}_*deb"))
        if not held:
            try:
                self._run("apt-get", "-qq", "download", package, cwd=folder)
            except subprocess.CalledProcessError as error:
                raise LookupError(package) from error
            held = sorted(folder.glob(f"{package}_*deb"))
        return held[0]

    def download_closure(self, packages: Sequence[str], folder: Path) -> list[Path]:
        """Downloads packages with all that they depend on, as if into an empty system."""
        (folder / "partial").mkdir(parents=True, exist_ok=True)
        install = ("apt-get", "-qq", "-y", f"-oDir::Cache::archives={folder}", "install", *packages)
        self._run(*install, "--download-only")
        planned = self._run(*install, "-s").splitlines()
        names = {line.split()[1] for line in planned if line.startswith("Inst ")}
        return sorted(file for file in folder.glob("*.deb") if file.name.split("_")[0] in names)

    def _run(self, *command: str, cwd: Path | None = None) -> str:
        return subprocess.run(
            command, env=self.environment, cwd=cwd, check=True, capture_output=True, text=True
        ).stdout
