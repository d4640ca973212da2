"""What an answer file is rendered from: an install, its guest's secrets and its profile's variables."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from provisioner.answers.render import AnswerContext
from provisioner.core.errors import Invalid
from provisioner.core.profile import Profile
from provisioner.distros.detect import family

_WORD = re.compile(r"[A-Za-z0-9@^+*._:/-]+")
_KEY = re.compile(r"[^\r\n\0]+")
_WORDS = ("lang", "keyboard", "timezone")
_SNIPPETS = ("before", "after")


def plain(name: str, root: str, release: str, profile: Profile) -> AnswerContext:
    """A context without an install: what a profile alone gives. Raises Invalid naming the variable."""
    variables = dict(profile.variables)
    context = AnswerContext(
        guest=name,
        hostname=name,
        mac="",
        uuid="",
        install="",
        root=root,
        tree_url="",
        report_url="",
        release=release,
        root_password_hash=_word(profile, variables, "root_password_hash", r"\$[A-Za-z0-9./$=,_-]+"),
        ssh_keys=_list(profile, variables, "ssh_keys", _KEY, "\n"),
        packages=_list(profile, variables, "packages", _WORD, None),
        supports=family(profile.family).supports(release),
        variables=variables,
    )
    words: dict[str, Any] = {
        key: _word(profile, variables, key, _WORD.pattern) for key in _WORDS if variables.get(key)
    }
    snippets: dict[str, Any] = {
        key: str(variables[key]).strip("\n") for key in _SNIPPETS if variables.get(key)
    }
    return replace(context, **words, **snippets)


def with_secrets(context: AnswerContext, secrets: Mapping[str, str]) -> AnswerContext:
    """What the guest was given at its creation stands above what the profile says."""
    keys = tuple(filter(None, secrets.get("ssh_keys", "").splitlines()))
    return replace(
        context,
        root_password_hash=secrets.get("root_password_hash") or context.root_password_hash,
        ssh_keys=keys or context.ssh_keys,
    )


def _word(profile: Profile, variables: Mapping[str, object], key: str, pattern: str) -> str:
    value = str(variables.get(key) or "")
    if value and not re.fullmatch(pattern, value):
        raise Invalid(f"profile {profile.name}: variable {key} = {value!r} is not usable")
    return value


def _list(
    profile: Profile,
    variables: Mapping[str, object],
    key: str,
    pattern: re.Pattern[str],
    separator: str | None,
) -> tuple[str, ...]:
    """A list of texts; one text is split, so that `--var packages="vim git"` works."""
    value = variables.get(key) or ()
    items = value.split(separator) if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise Invalid(f"profile {profile.name}: variable {key} must be a list")
    texts = tuple(str(item).strip() for item in items if str(item).strip())
    for text in texts:
        if not pattern.fullmatch(text):
            raise Invalid(f"profile {profile.name}: variable {key}: {text!r} is not usable")
    return texts
