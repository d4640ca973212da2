"""Answer files as texts: rendered, checked, and never served unchecked."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from provisioner.answers.context import AnswerContext
from provisioner.answers.finding import Finding, errors
from provisioner.answers.render import render
from provisioner.answers.secrets import mask
from provisioner.core.errors import Invalid, ProvisionerError
from provisioner.core.profile import Profile
from provisioner.service.ports import Linter, Renderer

_KEPT = 4096
"""Digests of texts that were found good: one for each profile and kind of guest, not for each guest."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A text to be served, and as it may be `shown`: its secrets are ***.

    `unchecked` is the first error that its check found and that was waived.
    """

    text: str
    shown: str = ""
    unchecked: str = ""


class Texts:
    """Shipped templates are rendered here; a user's own only where it can do no harm.

    `folder` is the user's own, with the same one that `renderer` looks into first.
    """

    def __init__(self, linter: Linter, renderer: Renderer, folder: Path | None = None) -> None:
        self._linter = linter
        self._renderer = renderer
        self._folder = folder
        self._good: OrderedDict[str, None] = OrderedDict()
        self._asked: dict[str, asyncio.Future[list[Finding]]] = {}

    async def render(self, template: str, context: AnswerContext) -> str:
        """Raises Invalid naming the template and the line."""
        if "\n" in template or (self._folder is not None and self._folder.is_dir()):
            return await self._renderer.render(template, context)
        return render(template, context)

    async def lint(self, text: str, family: str, release: str) -> list[Finding]:
        """Whoever wrote the text. Raises Invalid for an unknown family or release."""
        return await self._linter.lint(text, family, release)

    async def check(self, profile: Profile, release: str, context: AnswerContext, text: str) -> list[Finding]:
        """What was found in a text of the profile's template, with the places in its templates."""
        findings = [_hidden(row, context) for row in await self._linter.lint(text, profile.family, release)]
        if not findings:
            return []
        try:
            return (await self._renderer.origins(profile.template, context, text)).told(findings)
        except ProvisionerError:
            return findings  # without the places

    async def assure(
        self, profile: Profile, release: str, context: AnswerContext, text: str
    ) -> list[Finding]:
        """The same, but a text that differs from a good one in its guest's names alone is not read again.

        Those who ask for the same at the same time wait for one check.
        """
        digest = sha256(f"{profile.family} {release}\n{_anybody(text, context)}".encode()).hexdigest()
        if digest in self._good:
            self._good.move_to_end(digest)
            return []
        if digest in self._asked:
            return await asyncio.shield(self._asked[digest])
        asked = asyncio.ensure_future(self.check(profile, release, context, text))
        self._asked[digest] = asked
        try:
            findings = await asyncio.shield(asked)
        finally:
            del self._asked[digest]
        if not any(errors(findings)):
            self._good[digest] = None
            if len(self._good) > _KEPT:
                self._good.popitem(last=False)
        return findings


def judge(profile: Profile, findings: Iterable[Finding], *, waived: bool = False) -> str:
    """Raises Invalid where the check of a profile's answer file found more than warnings.

    Where that is `waived` it gives the sentence, "" for a text that was found good.
    """
    found = list(errors(findings))
    if not found:
        return ""
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    sentence = f"the answer file of profile {profile.name} would not be taken: {found[0]}{more}"
    if waived:
        return sentence
    raise Invalid(
        sentence,
        remedy="mend the template or its variables; provisioner answer lint FILE shows all, "
        "and --no-lint lets it be served as it is",
    )


def _hidden(finding: Finding, context: AnswerContext) -> Finding:
    """Without the secrets that a parser may quote: findings are told in events."""
    secrets = (context.report_url.rpartition("/")[2], context.root_password_hash, context.luks_passphrase)
    return replace(finding, text=mask(finding.text, secrets))


def _anybody(text: str, context: AnswerContext) -> str:
    """The text as it would be for any guest: names, addresses and secrets are words without meaning in it."""
    server = urlsplit(context.root)
    own = {
        "guest": context.hostname,
        "mac": context.mac,
        "uuid": context.uuid,
        "address": context.network.ip,
        "install": context.install,
        "token": context.report_url.rpartition("/")[2],
        "server": server.netloc,
        "host": server.hostname or "",
        "password": context.root_password_hash,
        "keys": "\n".join(context.ssh_keys),
        "key": context.ssh_keys[0] if context.ssh_keys else "",
    }
    for name, value in sorted(own.items(), key=lambda pair: len(pair[1]), reverse=True):
        text = text.replace(value, f"<{name}>") if value else text
    return text
