"""The words of a command of virt-install: options and their values. Source: virt-install(1)."""

import re
import shlex

from provisioner.core.errors import Invalid

_SHORT = {
    "-n": "--name",
    "-r": "--memory",
    "-u": "--uuid",
    "-f": "--file",
    "-s": "--file-size",
    "-c": "--cdrom",
    "-l": "--location",
    "-x": "--extra-args",
    "-w": "--network",
    "-m": "--mac",
    "-b": "--bridge",
    "-v": "--hvm",
    "-p": "--paravirt",
    "-q": "--quiet",
    "-d": "--debug",
    "-k": "--keymap",
}
_SAME = {
    "--ram": "--memory",
    "--os-variant": "--osinfo",
    "--nographics": "--graphics=none",
    "--vnc": "--graphics=vnc",
}
_FLAGS = frozenset(
    {
        *(
            "--pxe",
            "--import",
            "--livecd",
            "--hvm",
            "--paravirt",
            "--container",
            "--accelerate",
            "--autostart",
        ),
        *("--transient", "--destroy-on-exit", "--noautoconsole", "--noreboot", "--dry-run", "--nodisks"),
        *("--nonetworks", "--sdl", "--force", "--prompt", "--quiet", "--debug", "--check-cpu", "--noapic"),
        *("--noacpi", "--nonsparse", "--install-hypervisor", "--virt-only"),
    }
)
_MAYBE = frozenset(
    {"--wait", "--print-xml", "--cloud-init", "--unattended", "--reinstall", "--check", "--autoconsole"}
)
"""With a value or without."""


def words_of(command: str) -> list[tuple[str, str]]:
    """Each option by its long name, with its value or "". Raises Invalid for what cannot be one."""
    try:
        words = shlex.split(command.replace("\\\n", " "), comments=True)
    except ValueError as error:
        raise Invalid(f"the command cannot be read: {error}", remedy="quote it as one word: '…'") from None
    while words and words[0] in ("sudo", "LC_ALL=C"):
        words = words[1:]
    if not words or words[0].rsplit("/", 1)[-1] != "virt-install":
        raise Invalid("this is no command of virt-install", remedy="give it whole: 'virt-install --name …'")
    found = []
    rest = words[1:]
    while rest:
        word = rest.pop(0)
        option, equals, value = word.partition("=")
        if re.fullmatch(r"-[a-z]..+", word):  # -r2048
            option, equals, value = word[:2], "=", word[2:]
        option = _SHORT.get(option, option)
        option, same, implied = _SAME.get(option, option).partition("=")
        if not option.startswith("--"):
            raise Invalid(f"{word!r} is no option of virt-install", remedy="quote values that hold blanks")
        if same:
            value = implied
        elif not equals and option in _MAYBE:
            value = rest.pop(0) if rest and not rest[0].startswith("-") else ""
        elif not equals and option not in _FLAGS:
            if not rest:
                raise Invalid(f"{option} has no value")
            value = rest.pop(0)
        found.append((option, value))
    return found
