"""Answer files: rendered when an installer asks, checked before it may."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from provisioner.answers.context import AnswerContext
from provisioner.answers.finding import Finding
from provisioner.answers.secrets import hashed, mask
from provisioner.answers.variables import Layer
from provisioner.core import urls
from provisioner.core.errors import NotFound, ProvisionerError
from provisioner.core.install import Install
from provisioner.core.profile import Profile, Tree
from provisioner.service.contexts import completed, guest_layer, masked, plain
from provisioner.service.explain import Around
from provisioner.service.kernel_line import answer_file, tree_of
from provisioner.service.ports import GuestRow, Store
from provisioner.service.requests import ProfileSource, TreeSource
from provisioner.service.texts import Answer, Texts, judge
from provisioner.service.tokens import KINDS, Tokens

_ROOT = "http://provisioner:8080"
"""Stands for our address where nobody has asked yet, so that it is not known by which interface."""
_TOKEN = "T" * 43
_SHA256 = "0" * 64
_NAME = "example"


async def _nothing(uri: str) -> Layer:
    return Layer("host", {})


class Answers:
    """`syslog_port` is where netboot takes installers' logs, on the address that the machine asked; `around`
    gives a host's variables.
    """

    def __init__(
        self,
        store: Store,
        tokens: Tokens,
        profiles: ProfileSource,
        trees: TreeSource,
        texts: Texts,
        syslog_port: int = 5514,
        around: Around = _nothing,
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._profiles = profiles
        self._trees = trees
        self._texts = texts
        self._syslog_port = syslog_port
        self._around = around

    async def for_install(self, install: Install, root: str, file: str) -> Answer:
        """What the install's installer asks for at `root`: its answer file, or one that belongs beside it.

        Raises NotFound for a file of another family, Invalid for a template that cannot be rendered, and for
        a text that does not pass its check where that is not waived.
        """
        if not install.profile:
            raise NotFound(f"install {install.id} has no profile, and so no answer file")
        profile = await self._profiles.get(install.profile)
        row = await self._row(install)
        tree = await self._trees.get(tree_of(row.spec if row else None, profile))
        expected = answer_file(profile, tree)
        if file in urls.BESIDE.get(expected, ()):
            context = await self._context(install, row, profile, tree, root)
            return Answer(await self._texts.render(f"{profile.family}/{file}.j2", context))
        if file != expected:
            raise NotFound(f"install {install.id} has no {file}; its answer file is {expected}")
        return await self._checked(install, row, profile, tree, root)

    async def text(
        self, install: Install, row: GuestRow | None, profile: Profile, tree: Tree, root: str
    ) -> str:
        """The answer file of an install that need not be written down yet. Raises Invalid."""
        return (await self._checked(install, row, profile, tree, root)).text

    async def preview(self, guest: str, root: str = _ROOT) -> str:
        """What the guest's latest install would be given, its secrets as `***`."""
        install = await self._store.install(guest)
        if not install.profile:
            raise NotFound(f"{guest} was created without a profile, and has no answer file")
        return await self.shown(install, root)

    async def shown(self, install: Install, root: str = _ROOT) -> str:
        """An install's answer file with its secrets as `***`. Nobody checks it: it is not served."""
        profile = await self._profiles.get(install.profile)
        return await self.would(install, await self._row(install), profile, root)

    async def would(self, install: Install, row: GuestRow | None, profile: Profile, root: str = _ROOT) -> str:
        """The same with another row or profile than those that are kept."""
        tree = await self._trees.get(tree_of(row.spec if row else None, profile))
        context = await self._context(install, row, profile, tree, root)
        template = completed(profile, context.release).template
        return self._masked(await self._texts.render(template, masked(context)), install, context)

    async def secrets(self, install: Install) -> list[str]:
        """What of an install's answers nobody is to be shown, as far as it can be told now. Never fails."""
        known = [self._tokens.mint(install.id, kind, install.generation) for kind in KINDS]
        try:
            profile = await self._profiles.get(install.profile)
            row = await self._row(install)
            tree = await self._trees.get(tree_of(row.spec if row else None, profile))
            context = await self._context(install, row, profile, tree, _ROOT)
        except ProvisionerError:
            return known
        return [*known, context.root_password_hash, context.luks_passphrase]

    def _masked(self, text: str, install: Install, context: AnswerContext) -> str:
        report = self._tokens.mint(install.id, "report", install.generation)
        return mask(text, [report, context.root_password_hash])

    async def check(
        self, install: Install, row: GuestRow | None, profile: Profile, tree: Tree
    ) -> tuple[str, ...]:
        """Renders and checks what the install would be given; warnings where its check was waived.

        Raises Invalid with the first finding.
        """
        answer = await self._checked(install, row, profile, tree, _ROOT)
        return (f"--no-lint: {answer.unchecked}",) if answer.unchecked else ()

    async def _checked(
        self, install: Install, row: GuestRow | None, profile: Profile, tree: Tree, root: str
    ) -> Answer:
        context = await self._context(install, row, profile, tree, root)
        profile = completed(profile, context.release)
        text = await self._texts.render(profile.template, context)
        found = await self._texts.assure(profile, context.release, context, text)
        waived = judge(profile, found, waived=not context.lint)
        shown = text
        if context.luks_passphrase:  # it cannot be found any more where a template has quoted it
            shown = await self._texts.render(profile.template, masked(context))
        return Answer(text, self._masked(shown, install, context), waived)

    async def render(self, text: str, family: str, release: str, variables: Mapping[str, object]) -> str:
        """A template as if for a guest, for people who write one."""
        profile = Profile(_NAME, family, "tree", text + "\n", release, variables=hashed(variables))
        return await self._texts.render(profile.template, sample(profile, release))

    async def rendered(self, template: str, context: AnswerContext) -> str:
        """Any template below kickstarts/, the user's own first. Raises Invalid."""
        return await self._texts.render(template, context)

    async def lint(self, text: str, family: str, release: str) -> list[Finding]:
        """Findings in the order of their lines. Raises Invalid for an unknown family or release."""
        return await self._texts.lint(text, family, release)

    async def _row(self, install: Install) -> GuestRow | None:
        """None for a machine that is no guest of ours."""
        try:
            return await self._store.guest(install.guest)
        except NotFound:
            return None

    async def _context(
        self, install: Install, row: GuestRow | None, profile: Profile, tree: Tree, root: str
    ) -> AnswerContext:
        around = [await self._around(row.uri if row else "")] + ([guest_layer(row)] if row else [])
        context = plain(install.guest, root, profile.release or tree.release, profile, around)
        report = self._tokens.mint(install.id, "report", install.generation)
        if profile.image:
            image = await self._store.image(profile.image)
            context = replace(
                context, image_url=urls.tree(root, "images", image.file), image_sha256=image.sha256
            )
        return replace(
            context,
            guest=install.guest if row else "",
            mac=install.mac,
            uuid=install.uuid,
            install=install.id,
            tree_url=urls.tree(root, tree.name).rstrip("/"),
            report_url=urls.report(root, report).rstrip("/"),
            syslog=(urlsplit(root).hostname or "", self._syslog_port),
        )


def sample(profile: Profile, release: str) -> AnswerContext:
    """What the profile's answer file is rendered from for a guest that does not exist. Raises Invalid."""
    context = plain(_NAME, _ROOT, release, profile)
    return replace(
        context,
        mac="52:54:00:12:34:56",
        uuid="4f1b1c1e-0000-4000-8000-525400123456",
        install=_NAME,
        tree_url=urls.tree(_ROOT, profile.tree).rstrip("/"),
        report_url=urls.report(_ROOT, _TOKEN).rstrip("/"),
        image_url=urls.tree(_ROOT, "images", "example.tar.zst"),
        image_sha256=_SHA256,
        ssh_keys=context.ssh_keys or ("ssh-ed25519 AAAA someone@example",),
        syslog=("provisioner", 5514),
    )
