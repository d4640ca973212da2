"""The iPXE scripts, from templates/boot: the public stub, a machine's own, and the two that say no."""

import re
from dataclasses import dataclass

from provisioner.boot.arguments import for_ipxe
from provisioner.core import urls
from provisioner.core.errors import Invalid


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
    return render("stub.ipxe", root=root)


def medium(name: str, root: str) -> str:
    """What a boot medium made for a machine of that name starts with."""
    return render("medium.ipxe", machine=_one_line(name), stub=urls.stub(root))


def script(facts: ScriptFacts) -> str:
    """Kernel, initrd, boot. Raises Invalid where an argument would break out of its line."""
    for value in (facts.install, facts.guest, facts.kernel, facts.initrd, facts.args):
        for_ipxe(value)
    for url in (facts.kernel, facts.initrd):
        if re.search(r"\s", url):
            raise Invalid(f"{url!r} holds a blank; a URL in a boot script must be quoted")
    return render("script.ipxe", facts=facts)


def disk(reason: str) -> str:
    """Says why and leaves, so that the firmware goes on to its next device."""
    return render("disk.ipxe", reason=_one_line(reason))


def refused(reason: str) -> str:
    """Says why there is no script for this machine, and leaves."""
    return render("refused.ipxe", reason=_one_line(reason))


def _one_line(text: str) -> str:
    """`text` with nothing in it that a loader would act on."""
    plain = re.sub(r"[^\x20-\x7e]+", " ", text).replace("${", "$ {")
    return re.sub(r"\|\||&&", " ", plain).strip()


def render(name: str, **values: object) -> str:
    """A template of templates/boot."""
    from provisioner import resources  # Jinja is loaded by who renders: netboot's process hardly ever does

    return resources.text("templates").get_template(f"boot/{name}.j2").render(values)
