"""The line that an installer's kernel is started with, and what it is made from."""

from urllib.parse import urlsplit

from provisioner.core import urls
from provisioner.core.errors import NotFound
from provisioner.core.guest import GuestSpec
from provisioner.core.install import Install
from provisioner.core.profile import Profile, Tree
from provisioner.core.source import for_installer
from provisioner.distros.base import Boot, join
from provisioner.distros.detect import family
from provisioner.service.ports import Store


def line(
    install: Install,
    profile: Profile | None,
    tree: Tree,
    root: str,
    spec: GuestSpec | None,
    key: str,
    syslog_port: int,
) -> str:
    """The arguments with `key` in the address of the answer file. Raises Invalid."""
    direct = spec is not None and spec.direct
    tree_url = for_installer(tree.source) if direct else urls.tree(root, tree.name).rstrip("/")
    extra = spec.extra_args if spec else ""
    if profile is None:
        return join(family(tree.family).attended_args(tree, tree_url), extra)
    installer = family(profile.family)
    boot = Boot(
        tree_url=tree_url,
        answer_url=urls.answer(root, key, answer_file(profile, tree)),
        hostname=install.guest,
        mac=install.mac,
        syslog=(urlsplit(root).hostname or "", syslog_port),
    )
    return join(installer.kernel_args(tree, boot), profile.kernel_args, extra)


def answer_file(profile: Profile, tree: Tree) -> str:
    """The name that the answers of the profile's installer go by."""
    return family(profile.family).answer_file(profile.release or tree.release)


async def spec_of(store: Store, install: Install) -> GuestSpec | None:
    """None for a machine that is no guest of ours."""
    try:
        return (await store.guest(install.guest)).spec
    except NotFound:
        return None


def tree_of(spec: GuestSpec | None, profile: Profile) -> str:
    """The name of the tree that is installed: the guest's own, where it was given one."""
    return (spec.tree if spec else "") or profile.tree
