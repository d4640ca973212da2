"""The iPXE scripts, from templates/boot: the public stub, a machine's own, and the two that say no."""

import re
from dataclasses import dataclass

from provisioner.core.errors import Invalid

# iPXE's own command separators and settings: as a kernel argument they would change the script's meaning.
_MEANS_SOMETHING = re.compile(r"(?:^|\s)(?:\|\||&&)(?:\s|$)|\$\{")


@dataclass(frozen=True, slots=True)
class ScriptFacts:
    """One machine's script: `kernel` and `initrd` are URLs, `args` the kernel command line."""

    install: str
    guest: str
    kernel: str
    initrd: str
    args: str


def stub(root: str) -> str:
    """What every netbooting machine may read: it asks for the machine's own script and holds no secret."""
    return _render("stub", root=root)


def script(facts: ScriptFacts) -> str:
    """Kernel, initrd, boot. Raises Invalid where an argument would break out of its line."""
    for value in (facts.install, facts.guest, facts.kernel, facts.initrd, facts.args):
        _check(value)
    for url in (facts.kernel, facts.initrd):
        if re.search(r"\s", url):
            raise Invalid(f"{url!r} holds a blank; a URL in a boot script must be quoted")
    return _render("script", facts=facts)


def disk(reason: str) -> str:
    """Says why and leaves, so that the firmware goes on to its next device."""
    return _render("disk", reason=_one_line(reason))


def refused(reason: str) -> str:
    """Says why there is no script for this machine, and leaves."""
    return _render("refused", reason=_one_line(reason))


def _check(value: str) -> None:
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise Invalid(
            f"kernel argument {value!r} holds a line break or control character; arguments are one line"
        )
    if found := _MEANS_SOMETHING.search(value):
        raise Invalid(
            f"kernel argument {value!r} holds {found.group().strip()!r}, on which iPXE acts; leave it out"
        )


def _one_line(text: str) -> str:
    """`text` with nothing in it that iPXE would act on."""
    plain = re.sub(r"[^\x20-\x7e]+", " ", text).replace("${", "$ {")
    return re.sub(r"\|\||&&", " ", plain).strip()


def _render(name: str, **values: object) -> str:
    from provisioner import resources  # Jinja is loaded by who renders: netboot's process never does

    return resources.text("templates").get_template(f"boot/{name}.ipxe.j2").render(values)
