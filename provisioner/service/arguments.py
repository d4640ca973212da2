"""What an install's kernel is started with: kernel, initrd and arguments, by boot script or directly."""

from urllib.parse import urlsplit

from provisioner.core import urls
from provisioner.core.errors import NotFound
from provisioner.core.guest import GuestSpec
from provisioner.core.install import Install
from provisioner.core.profile import Profile, Tree
from provisioner.core.source import for_installer
from provisioner.distros.base import join
from provisioner.distros.detect import family
from provisioner.service.ports import Store
from provisioner.service.profiles import Profiles
from provisioner.service.tokens import Tokens


class Arguments:
    """`syslog_port` is where netboot takes installers' logs, on the address that the machine asked."""

    def __init__(self, store: Store, tokens: Tokens, profiles: Profiles, syslog_port: int) -> None:
        self._store = store
        self._tokens = tokens
        self._profiles = profiles
        self._syslog_port = syslog_port

    async def __call__(self, install: Install, root: str) -> tuple[str, str, str]:
        """(kernel URL, initrd URL, arguments). Raises NotFound for a profile or tree that is gone."""
        profile = await self._profiles.get(install.profile)
        spec = await self._spec(install)
        tree = await self._store.tree((spec.tree if spec else "") or profile.tree)
        line = self.line(install, profile, tree, root, spec)
        return urls.tree(root, tree.name, tree.kernel), urls.tree(root, tree.name, tree.initrd), line

    def line(
        self, install: Install, profile: Profile | None, tree: Tree, root: str, spec: GuestSpec | None
    ) -> str:
        """The arguments alone; without a profile those of an installer that is answered by its user."""
        direct = spec is not None and spec.direct
        tree_url = for_installer(tree.source) if direct else urls.tree(root, tree.name).rstrip("/")
        extra = spec.extra_args if spec else ""
        if profile is None:
            return join(family(tree.family).attended_args(tree_url), extra)
        installer = family(profile.family)
        token = self._tokens.mint(install.id, "answer", install.generation)
        arguments = installer.kernel_args(
            tree,
            root=root,
            tree_url=tree_url,
            answer_url=urls.answer(root, token, installer.answer_file),
            hostname=install.guest,
            mac=install.mac,
            syslog=(urlsplit(root).hostname or "", self._syslog_port),
        )
        return join(arguments, profile.kernel_args, extra)

    async def _spec(self, install: Install) -> GuestSpec | None:
        """None for a machine that is no guest of ours."""
        try:
            return (await self._store.guest(install.guest)).spec
        except NotFound:
            return None
