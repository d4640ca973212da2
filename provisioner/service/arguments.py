"""What an install's kernel is started with: kernel, initrd and arguments, by boot script or directly."""

from provisioner.core import urls
from provisioner.core.guest import GuestSpec
from provisioner.core.install import Install
from provisioner.core.profile import Profile, Tree
from provisioner.service.kernel_line import line, spec_of, tree_of
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
        spec = await spec_of(self._store, install)
        tree = await self._store.tree(tree_of(spec, profile))
        arguments = self.line(install, profile, tree, root, spec)
        return urls.tree(root, tree.name, tree.kernel), urls.tree(root, tree.name, tree.initrd), arguments

    def line(
        self, install: Install, profile: Profile | None, tree: Tree, root: str, spec: GuestSpec | None
    ) -> str:
        """The arguments alone; without a profile those of an installer that is answered by its user."""
        token = self._tokens.mint(install.id, "answer", install.generation)
        return line(install, profile, tree, root, spec, token, self._syslog_port)
