"""What a guest's plan is made from: secrets, arguments, the seed's texts, and what its image is."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from provisioner.answers.context import AnswerContext
from provisioner.boot.arguments import WRITTEN
from provisioner.core import urls
from provisioner.core.errors import Invalid
from provisioner.core.host import HostFacts
from provisioner.core.install import Install
from provisioner.core.profile import Profile, Tree
from provisioner.plan.given import Given, Seed
from provisioner.service.arguments import Arguments
from provisioner.service.contexts import with_secrets
from provisioner.service.kernel_line import answer_file
from provisioner.service.ports import GuestRow, TokenKind
from provisioner.service.requests import Media
from provisioner.service.tokens import Tokens

# By the name of the answer file: the label under which the family's installer looks for a volume with it.
_LABELS = {"ks.cfg": "OEMDRV", "autoinst.xml": "OEMDRV"}
_CLOUD_INIT = "cidata"
_KICKSTART = "ks.cfg"
"""Whoever reads it is Anaconda, or keeps its contract."""
_USER_DATA, _META_DATA = "cloud/user-data.j2", "cloud/meta-data.j2"


Render = Callable[[str, AnswerContext], Awaitable[str]]
"""From a template's name and what it is given to its text."""


class AnswerText(Protocol):
    async def text(
        self, install: Install, row: GuestRow | None, profile: Profile, tree: Tree, root: str
    ) -> str: ...
    async def rendered(self, template: str, context: AnswerContext) -> str: ...


class Grounds:
    """`log_dir` keeps serial logs, `work_dir` files on their way to a host, `boot_dir` those for loaders."""

    def __init__(
        self,
        tokens: Tokens,
        arguments: Arguments,
        answers: AnswerText,
        media: Media,
        log_dir: Path,
        work_dir: Path,
        boot_dir: Path,
    ) -> None:
        self._tokens = tokens
        self._arguments = arguments
        self._answers = answers
        self._media = media
        self._log_dir = log_dir
        self._work_dir = work_dir
        self._boot_dir = boot_dir

    async def given(
        self,
        install: Install,
        row: GuestRow,
        profile: Profile | None,
        tree: Tree,
        host: HostFacts,
        root: str,
        present: frozenset[str] = frozenset(),
    ) -> Given:
        """Raises Invalid for what cannot be answered that way, arguments that cannot be handed over, or an
        image that is none.
        """
        spec = row.spec
        line = ""
        if spec.method == "url" or (spec.method == "pxe" and profile is not None):
            line = self._arguments.line(install, profile, tree, root, spec)
        if spec.method == "pxe":
            WRITTEN[spec.netboots_by](line)  # said before anything starts
        kinds: tuple[TokenKind, ...] = ("stub", "answer", "report")
        stub, *others = (self._tokens.mint(install.id, kind, install.generation) for kind in kinds)
        image = await self._media.disk_image(spec.disk.image) if spec.disk.image else None
        return Given(
            install=install.id,
            serial=stub,
            log=str(self._log_dir / f"{install.id}.log"),
            log_port=self._log_port(install, profile, tree, host),
            volume=row.volume,
            data_volumes=row.holdings.data,
            keep=row.holdings.keep,
            arguments=line if spec.method == "url" else "",
            stub=urls.stub(root),
            seed=await self._seed(install, row, profile, tree, root),
            image=image,
            files=tuple(
                (key.removeprefix("inject:"), content)
                for key, content in row.secrets.items()
                if key.startswith("inject:")
            ),
            work=str(self._work_dir / install.id),
            boot=str(self._boot_dir),
            present=present,
            secrets=(stub, *others),
        )

    def _log_port(self, install: Install, profile: Profile | None, tree: Tree, host: HostFacts) -> str:
        """On another host nobody would read the file, and nobody would remove it."""
        if profile is None or answer_file(profile, tree) != _KICKSTART or urlsplit(host.uri).netloc:
            return ""
        return str(self._log_dir / f"{install.id}.anaconda.log")

    async def _seed(
        self, install: Install, row: GuestRow, profile: Profile | None, tree: Tree, root: str
    ) -> Seed | None:
        spec = row.spec
        if spec.method == "import" and spec.cloud_init:
            report = self._tokens.mint(install.id, "report", install.generation)
            files = await cloud_files(install, row.secrets, urls.report(root, report), self._answers.rendered)
            return Seed(_CLOUD_INIT, files)
        if spec.method != "iso" or profile is None:
            return None
        file = answer_file(profile, tree)
        if file not in _LABELS:
            raise Invalid(
                f"the installer of family {profile.family} looks for its answers on no volume",
                remedy=f"start it by its kernel: --location {spec.iso} instead of --cdrom",
            )
        return Seed(_LABELS[file], ((file, await self._answers.text(install, row, profile, tree, root)),))


async def cloud_files(
    install: Install, secrets: Mapping[str, str], report_url: str, render: Render
) -> tuple[tuple[str, str], ...]:
    """cloud-init's NoCloud files: the user's own, and where he gave none, ours, which report."""
    context = with_secrets(
        AnswerContext(
            guest=install.guest,
            hostname=install.guest,
            mac=install.mac,
            uuid=install.uuid,
            install=install.id,
            root="",
            tree_url="",
            report_url=report_url.rstrip("/"),
        ),
        secrets,
    )
    files = {
        "user-data": secrets.get("user-data") or await render(_USER_DATA, context),
        "meta-data": secrets.get("meta-data") or await render(_META_DATA, replace(context, ssh_keys=())),
    }
    if network := secrets.get("network-config"):
        files["network-config"] = network
    return tuple(files.items())
