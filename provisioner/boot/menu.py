"""What GRUB and PXELINUX read, from templates/boot. GRUB asks for one name, so its machines share a file.

Neither text holds a secret: it goes over TFTP to whoever asks.
"""

import re

from provisioner.boot.arguments import for_grub, for_pxelinux
from provisioner.boot.script import ScriptFacts, render
from provisioner.core.errors import Invalid

_PLAIN = re.compile(r"[A-Za-z0-9./:@_~%+(),-]+")


def grub(device: str, machines: str) -> str:
    """The common grub.cfg: it reads the serial and goes on with the machine's own file.

    `device` is GRUB's name of us, as `(tftp,192.0.2.1)`; `machines` the folder of those files there.
    """
    return render("common.grub", device=device, machines=machines)


def grub_machine(facts: ScriptFacts, device: str, *, linuxefi: bool = False) -> str:
    """One machine's file. `facts.kernel` and `facts.initrd` are paths on `device`.

    `linuxefi` is for Enterprise Linux 7, whose signed GRUB knows the kernel under that command alone.
    Raises Invalid where an argument cannot be handed over.
    """
    _check_paths(facts)
    return render(
        "machine.grub",
        facts=facts,
        device=device,
        arguments=for_grub(facts.args),
        suffix="efi" if linuxefi else "",
    )


def pxelinux(facts: ScriptFacts) -> str:
    """One machine's file. `facts.kernel` and `facts.initrd` are URLs or paths. Raises Invalid."""
    _check_paths(facts)
    return render("machine.pxelinux", facts=facts, arguments=for_pxelinux(facts.args))


def _check_paths(facts: ScriptFacts) -> None:
    for path in (facts.kernel, facts.initrd):
        if not _PLAIN.fullmatch(path):
            raise Invalid(f"{path!r} holds a character that does not go into a boot menu")
