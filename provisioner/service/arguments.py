"""What a machine's boot script names: the kernel, the initrd and the kernel's arguments of one install."""

from urllib.parse import urlsplit

from provisioner.core import urls
from provisioner.core.errors import NotFound
from provisioner.core.install import Install
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
        tree = await self._store.tree(profile.tree)
        installer = family(profile.family)
        token = self._tokens.mint(install.id, "answer", install.generation)
        arguments = installer.kernel_args(
            tree,
            root=root,
            tree_url=urls.tree(root, tree.name).rstrip("/"),
            answer_url=urls.answer(root, token, installer.answer_file),
            hostname=install.guest,
            mac=install.mac,
            syslog=(urlsplit(root).hostname or "", self._syslog_port),
        )
        line = join(arguments, profile.kernel_args, await self._extra(install))
        return urls.tree(root, tree.name, tree.kernel), urls.tree(root, tree.name, tree.initrd), line

    async def _extra(self, install: Install) -> str:
        """What `--extra-args` gave; a machine that is no guest of ours has none."""
        try:
            return (await self._store.guest(install.guest)).spec.extra_args
        except NotFound:
            return ""
