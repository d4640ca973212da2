"""Profiles: the shipped ones are read-only files, users' own are rows. Both are found by one name."""

from collections.abc import Sequence
from dataclasses import replace

from provisioner.answers.context import AnswerContext
from provisioner.answers.finding import Finding
from provisioner.answers.secrets import hashed, mask
from provisioner.core.errors import Conflict, Invalid, NotFound
from provisioner.core.machine import check_name
from provisioner.core.profile import Profile
from provisioner.distros.base import join
from provisioner.distros.detect import family
from provisioner.service.answers import sample
from provisioner.service.contexts import completed, masked
from provisioner.service.ports import Store
from provisioner.service.shipped import shipped
from provisioner.service.texts import Texts, judge


class Profiles:
    """Whatever is saved was checked: the template renders, and its installer would take the text."""

    def __init__(self, store: Store, texts: Texts) -> None:
        self._store = store
        self._texts = texts

    async def list(self) -> list[Profile]:
        return sorted([*shipped().values(), *await self._store.profiles()], key=lambda row: row.name)

    async def get(self, name: str) -> Profile:
        """Raises NotFound naming the known ones."""
        if name in shipped():
            return shipped()[name]
        try:
            return await self._store.profile(name)
        except NotFound:
            known = ", ".join(row.name for row in await self.list())
            raise NotFound(
                f"no profile is called {name!r}; known are: {known}", remedy="provisioner profile list"
            ) from None

    async def create(self, profile: Profile) -> None:
        """Raises Conflict for a name that is taken, Invalid for a profile that could not install."""
        check_name(profile.name, "profile name")
        if profile.name in shipped():
            raise Conflict(f"a shipped profile is called {profile.name!r} already; choose another name")
        await self._put(profile, new=True)

    async def copy(self, name: str, new: str) -> Profile:
        """The copy is a profile of one's own: it can be edited."""
        copied = replace(await self.get(name), name=new, shipped=False)
        await self.create(copied)
        return copied

    async def edit(self, profile: Profile) -> None:
        """Puts `profile` in the place of the one with its name."""
        self._refuse_shipped(profile.name, "changed")
        await self.get(profile.name)
        await self._put(profile, new=False)

    async def remove(self, name: str) -> None:
        """Raises Conflict while a guest or machine needs it for its next install."""
        self._refuse_shipped(name, "removed")
        await self.get(name)
        users = [row.spec.name for row in await self._store.guests() if row.spec.profile == name]
        users += [row.name for row in await self._store.machines() if row.profile == name and not row.guest]
        if users:
            raise Conflict(
                f"profile {name} is used by {', '.join(sorted(users))}",
                remedy="delete them first, or keep the profile",
            )
        await self._store.remove_profile(name)

    async def _put(self, profile: Profile, *, new: bool) -> None:
        """Passwords in plain text are kept nowhere."""
        kept = replace(profile, shipped=False, variables=hashed(profile.variables))
        await self._check(kept)
        await self._store.put_profile(kept, new=new)

    def _refuse_shipped(self, name: str, what: str) -> None:
        if name in shipped():
            raise Conflict(
                f"profile {name} is shipped and cannot be {what}; copy it first",
                remedy=f"provisioner profile copy {name} NEW",
            )

    async def preview(self, profile: Profile) -> tuple[str, Sequence[Finding]]:
        """The answer file of a guest that does not exist, secrets as `***`, and what its check found.

        Nothing is kept. Raises Invalid for a profile that cannot be rendered.
        """
        profile = replace(profile, variables=hashed(profile.variables))
        profile, context = await self._sample(profile)
        text = await self._texts.render(profile.template, context)
        found = await self._texts.check(profile, profile.release, context, text)
        shown = await self._texts.render(profile.template, masked(context))
        return mask(shown, [context.root_password_hash]), found

    async def _check(self, profile: Profile) -> None:
        profile, context = await self._sample(profile)
        text = await self._texts.render(profile.template, context)
        found = await self._texts.check(profile, profile.release, context, text)
        judge(profile, found, waived=not context.lint)

    async def _sample(self, profile: Profile) -> tuple[Profile, AnswerContext]:
        """The profile with its template and its release, and what an example of it is rendered from."""
        family(profile.family)
        check_name(profile.tree, f"profile {profile.name}: tree")
        join(profile.kernel_args)
        for what, value, least in (("memory", profile.memory, 128), ("vcpus", profile.vcpus, 1)):
            if value < least:
                raise Invalid(f"profile {profile.name}: {what} {value} is too small; {least} is the least")
        if not 0 < profile.disk <= 65536:
            raise Invalid(f"profile {profile.name}: disk {profile.disk:g} GiB must be above 0")
        release = profile.release or await self._release_of(profile.tree)
        profile = replace(completed(profile, release), release=release)
        return profile, sample(profile, release)

    async def _release_of(self, tree: str) -> str:
        """A profile without a release takes its tree's, where that is known already."""
        try:
            return (await self._store.tree(tree)).release
        except NotFound:
            return ""
