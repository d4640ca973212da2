"""What a serial line says, as lines that a person can read, and which of them are steps of an install."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LONGEST = 1024
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
_MOVES = re.compile(r"\x1b\[[0-9;]*[HfEFdG]")
"""The cursor goes elsewhere: what follows is another line of the screen."""
_BREAKS = re.compile(r"[\r\n]+")


@dataclass(frozen=True, slots=True)
class Milestone:
    """`name` is the word in an event's data; `text` is what that line means, for a person.

    The pattern is tried only where one of `words` is in the line.
    """

    name: str
    text: str
    words: tuple[str, ...]
    pattern: re.Pattern[str]


def _row(name: str, text: str, words: str, pattern: str) -> Milestone:
    return Milestone(name, text, tuple(words.split("|")), re.compile(pattern))


MILESTONES = (
    _row(
        "firmware",
        "its firmware runs",
        "SeaBIOS|BdsDxe|UEFI",
        r"SeaBIOS \(version|^BdsDxe: |UEFI firmware \(",
    ),
    _row("ipxe", "iPXE runs", "iPXE", r"^iPXE \d|iPXE initialising devices"),
    _row("grub", "GRUB runs", "GRUB", r"Welcome to GRUB|GNU GRUB +version"),
    _row("kernel", "a kernel starts", "Linux version", r"^(\[ *0\.0+\] )?Linux version \d"),
    _row("panic", "the kernel panicked", "Kernel panic", r"Kernel panic - not syncing"),
    _row("mini", "the mini installer runs", "mini installer", r"provisioner: .*mini installer on "),
    _row("stage2", "its own system is being fetched", "dracut-", r"dracut-initqueue.*% (Total|Received)"),
    _row(
        "anaconda",
        "Anaconda starts",
        "installer|anaconda",
        r"Starting installer, one moment|anaconda .* for .* started\.",
    ),
    _row(
        "debian-installer",
        "the Debian installer starts",
        "Starting system log|debian-installer",
        r"Starting system log daemon|debian-installer/",
    ),
    _row(
        "subiquity",
        "Ubuntu's installer starts",
        "subiquity",
        r"subiquity/(Early|Late|Meta|Error)|Starting.*subiquity",
    ),
    _row(
        "linuxrc",
        "SUSE's installer starts",
        ">>>|Starting",
        r">>> .* installation program|Starting (YaST|hardware detection)",
    ),
    _row("agama", "Agama starts", "Agama", r"Agama .*(Web Server|[Ss]ervice).*[Ss]tart|Started Agama"),
    _row(
        "emergency",
        "it stopped at an emergency shell",
        "mergency|dracut:/#|(initramfs)",
        r"[Ee]mergency (mode|shell)|^dracut:/#|\(initramfs\) *$",
    ),
    _row("reboot", "it reboots", "eboot", r"reboot: Restarting system|Rebooting\."),
    _row("off", "it switches itself off", "Power down", r"reboot: Power down"),
    _row("login", "it asks for a login", "login:", r"(^|\s)[\w.-]+ login: *$"),
)


class Lines:
    """Bytes as they come to whole lines; a last one without its end is given as soon as it is a prompt."""

    def __init__(self) -> None:
        self._open = ""

    def feed(self, data: bytes) -> Iterator[str]:
        text = self._open + data.decode("utf-8", "replace")
        *whole, self._open = _BREAKS.split(_MOVES.sub("\n", text))
        self._open = self._open[-4 * _LONGEST :]
        for line in map(plain, whole):
            if line:
                yield line
        if self._open.endswith(": ") and (prompt := plain(self._open)):
            self._open = ""
            yield prompt


def plain(line: str) -> str:
    """Without colours, and of characters that can be seen alone; at most 1024 of them."""
    text = _ESCAPES.sub("", line)
    return "".join(c for c in text if c.isprintable()).rstrip()[:_LONGEST]


def text(data: bytes) -> str:
    """A whole serial line's bytes as text: lines that a person can read."""
    lines = (plain(line) for line in _BREAKS.split(_MOVES.sub("\n", data.decode("utf-8", "replace"))))
    return "".join(f"{line}\n" for line in lines if line)


def milestone(line: str) -> Milestone | None:
    """The step that a line shows."""
    for row in MILESTONES:
        if any(word in line for word in row.words) and row.pattern.search(line):
            return row
    return None
