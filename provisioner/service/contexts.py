"""What an answer file is rendered from: an install, its variables, and what its guest was given."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from provisioner.answers.context import AnswerContext, Repository
from provisioner.answers.secrets import MASK
from provisioner.answers.variables import Layer, checked, settle, shown
from provisioner.core import urls
from provisioner.core.profile import Profile
from provisioner.distros.detect import family
from provisioner.service.ports import GuestRow

_TREE = "tree:"
VARIABLES = "variables"
"""The name that a guest's own variables have among its secrets, as JSON: passwords are among them."""


def plain(
    name: str, root: str, release: str, profile: Profile, around: Sequence[Layer] = ()
) -> AnswerContext:
    """A context without an install: what the variables alone give. Raises Invalid naming the variable.

    `around` are the layers of host and guest, where there are any.
    """
    settled = settle(order(profile, around))
    made: dict[str, Any] = checked(settled)
    made["repositories"] = tuple(_ours(row, root) for row in made.get("repositories", ()))
    return AnswerContext(
        guest=name,
        hostname=name,
        mac="",
        uuid="",
        install="",
        root=root,
        tree_url="",
        report_url="",
        release=release,
        supports=family(profile.family).supports(release),
        variables={key: row.value for key, row in settled.items()},
        **made,
    )


def order(profile: Profile, around: Sequence[Layer]) -> list[Layer]:
    """From the weakest to the strongest: the host's variables, the profile's, the guest's."""
    own = Layer(f"profile {profile.name}", profile.variables)
    before = [layer for layer in around if layer.origin.startswith("host ")]
    return [*before, own, *(layer for layer in around if layer not in before)]


def completed(profile: Profile, release: str) -> Profile:
    """With the template of its family where it names none: so it can be given another family."""
    if profile.template:
        return profile
    return replace(profile, template=f"{profile.family}/{family(profile.family).answer_file(release)}.j2")


def guest_layer(row: GuestRow) -> Layer:
    """A guest's own variables; the key and password of its creation stand above those."""
    given = json.loads(row.secrets.get(VARIABLES, "{}"))
    if keys := row.secrets.get("ssh_keys"):
        given["ssh_keys"] = keys.splitlines()
    if password := row.secrets.get("root_password_hash"):
        given.pop("root_password", None)
        given["root_password_hash"] = password
    return Layer(f"guest {row.spec.name}", given)


def with_secrets(context: AnswerContext, secrets: Mapping[str, str]) -> AnswerContext:
    """A context of no profile: what the guest was given at its creation."""
    keys = tuple(filter(None, secrets.get("ssh_keys", "").splitlines()))
    return replace(
        context,
        root_password_hash=secrets.get("root_password_hash") or context.root_password_hash,
        ssh_keys=keys or context.ssh_keys,
    )


def masked(context: AnswerContext) -> AnswerContext:
    """For a text that is shown. A passphrase must go before it is quoted: it could be found nowhere after."""
    return replace(
        context,
        luks_passphrase=context.luks_passphrase and MASK,
        variables={name: shown(name, value) for name, value in context.variables.items()},
    )


def _ours(row: Repository, root: str) -> Repository:
    """`tree:NAME` is one of our trees, which guests read through here."""
    if not row.url.startswith(_TREE):
        return row
    return replace(row, url=urls.tree(root, row.url.removeprefix(_TREE)).rstrip("/"))
