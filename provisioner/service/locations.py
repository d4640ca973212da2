"""What `--location` means: a tree that is known, or one that lies at a URL, in a directory or on an ISO."""

import hashlib
import re

from provisioner.core.errors import Invalid
from provisioner.core.profile import Profile, Tree
from provisioner.distros.base import major
from provisioner.service.profiles import Profiles
from provisioner.service.trees import Trees

_OWN_ANSWERS = re.compile(
    r"(^|\s)((inst\.)?ks|url|preseed/url|preseed/file|file|autoyast|inst\.auto|ds)=|(^|\s)autoinstall(\s|$)"
)
"""Kernel arguments by which a user answers the installer without us."""


class Locations:
    def __init__(self, trees: Trees, profiles: Profiles) -> None:
        self._trees = trees
        self._profiles = profiles

    async def tree(self, location: str) -> tuple[Tree, bool]:
        """The tree, and whether it is new: then it is to be remembered when the install begins.

        Raises NotFound, Invalid or Unavailable for a location that is no tree.
        """
        known = await self._trees.list()
        named = next((tree for tree in known if tree.name == location), None)
        if named is not None:
            return named, False
        if "/" not in location and ":" not in location and not location.lower().endswith(".iso"):
            return await self._trees.get(location), False
        source = await self._trees.source(location)
        there = next((tree for tree in known if tree.source == source), None)
        if there is not None:
            return there, False
        digest = hashlib.sha256(source.encode()).hexdigest()[:10]
        return await self._trees.look(f"at-{digest}", source), True

    async def profile(self, tree: Tree, asked: str, extra_args: str) -> Profile | None:
        """The profile that is asked for, or the only one that fits; None where the user answers himself.

        Raises Invalid where several fit, or the one that is asked for is for another family.
        """
        if asked:
            profile = await self._profiles.get(asked)
            if profile.family != tree.family:
                raise Invalid(
                    f"profile {asked} answers the installer of family {profile.family}, "
                    f"and {tree.source} is of family {tree.family}",
                    remedy="name another profile, or none and your own --extra-args",
                )
            return profile
        if _OWN_ANSWERS.search(extra_args):
            return None
        fitting = _nearest([profile for profile in await self._profiles.list() if _fits(profile, tree)], tree)
        if len(fitting) == 1:
            return fitting[0]
        names = ", ".join(profile.name for profile in fitting) or "none"
        told = f"several profiles fit a tree of family {tree.family} {tree.release}: {names}"
        if not fitting:
            told = f"no profile is for a tree of family {tree.family} {tree.release}"
        raise Invalid(told, remedy="name one with --profile, or answer yourself with --extra-args inst.ks=…")


def _nearest(fitting: list[Profile], tree: Tree) -> list[Profile]:
    """Those for the very tree stand above the others, and a user's own above those that are shipped."""
    fitting = [profile for profile in fitting if profile.tree == tree.name] or fitting
    return [profile for profile in fitting if not profile.shipped] or fitting


def _fits(profile: Profile, tree: Tree) -> bool:
    same = not (profile.release and tree.release) or major(profile.release) == major(tree.release)
    return profile.family == tree.family and same
