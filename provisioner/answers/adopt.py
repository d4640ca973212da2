"""A kickstart that somebody has, as a template of ours: the tree, the name and the reports become ours."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field

from provisioner.distros.detect import family

_SOURCES = ("url", "nfs", "cdrom", "harddrive", "hmc", "method", "liveimg")
_ENDS = ("reboot", "poweroff", "halt", "shutdown")
_VERSION = re.compile(r"(?m)^#\s*version=(RHEL|F)(\d+)\s*$")
_SECTION = re.compile(r"%(?!end\b|include\b|ksappend\b)[a-z-]+")
_URL_LINE = "url --url={{ quote(tree_url) }}"
_PROGRESS = """\
%pre
curl -fsS --retry 5 --data-binary 'it reads its kickstart' {{ quote(report_url ~ "/progress") }} || :
%end
"""
_FAILURE = """\
%onerror
tail -n 60 /tmp/anaconda.log /tmp/packaging.log /tmp/storage.log 2>/dev/null |
  curl -fsS --retry 5 --data-binary @- {{ quote(report_url ~ "/failure") }} || :
%end
"""
_SUCCESS = """\
%post
curl -fsS --retry 5 --data-binary installed {{ quote(report_url ~ "/success") }}
%end
"""


@dataclass
class Adopted:
    """`source` is the tree's address, "" where none is named. `notes` tell what is not as it was."""

    template: str = ""
    source: str = ""
    notes: list[str] = field(default_factory=list)


def release_of(text: str) -> tuple[str, str]:
    """Family and release by the comment that Anaconda writes at the head of its own files, or ("", "")."""
    found = _VERSION.search(text)
    return ("", "") if not found else ("rhel" if found[1] == "RHEL" else "fedora", found[2])


def adopt(text: str, family_name: str, release: str) -> Adopted:
    """The kickstart as a template. Whatever is changed, or stands for one machine alone, is noted."""
    made = Adopted()
    lines = []
    inside = False
    ends = sourced = False
    for number, line in enumerate(text.splitlines(), 1):
        word = line.split()[0] if line.split() else ""
        if inside:
            inside = word != "%end"
            kept = _verbatim(line)
        elif _SECTION.fullmatch(word):
            inside = True
            kept = _verbatim(line)
        elif word in _SOURCES:
            kept = _source(made, number, line, word, again=sourced)
            sourced = True
        else:
            ends = ends or word in _ENDS
            kept = _command(made, number, line, word)
        if word in ("%include", "%ksappend"):
            made.notes.append(f"line {number}: {line.strip()}: kept, but not looked at")
        lines.append(kept)
    made.template = "\n".join([*_head(made, sourced=sourced, ends=ends), *filter(_some, lines)]) + "\n\n"
    if "onerror" in family(family_name).supports(release):
        made.template += f"{_PROGRESS}\n{_FAILURE}\n{_SUCCESS}"
    else:
        made.template += f"{_PROGRESS}\n{_SUCCESS}"
        made.notes.append("a failure is not reported: this release has no %onerror")
    return made


def _some(line: str | None) -> bool:
    return line is not None


def _head(made: Adopted, *, sourced: bool, ends: bool) -> list[str]:
    """What every installation from here needs, where the file does not say it."""
    head = []
    if not sourced:
        head.append(_URL_LINE)
        made.notes.append("no tree is named; name one with --tree")
    if not ends:
        head.append("reboot")
        made.notes.append("reboot is added: the installer would wait for a key at its end")
    return head


def _verbatim(line: str) -> str:
    """What the template language would take for its own is written so that it comes out as it is."""
    return re.sub(r"\{[{%#]|[%#}]\}", lambda found: "{{ " + repr(found[0]) + " }}", line)


def _source(made: Adopted, number: int, line: str, word: str, *, again: bool) -> str:
    options = _options(line)
    where = f"line {number}: {line.strip()}"
    if word == "liveimg":
        made.notes.append(f"{where}: kept; it needs a tree for its runtime all the same")
        return _verbatim(line)
    if word == "url" and "--url" in options:
        made.source = made.source or options["--url"]
        left = [f"{key}={value}" for key, value in options.items() if key != "--url"]
        if left:
            made.notes.append(f"{where}: {' '.join(left)} is not kept: guests install from our own address")
    elif word == "nfs" and {"--server", "--dir"} <= options.keys():
        made.source = made.source or f"nfs://{options['--server']}{options['--dir']}"
    else:
        made.notes.append(f"{where}: names no tree that can be read; add one with provisioner tree add")
    return "" if again else _URL_LINE


def _command(made: Adopted, number: int, line: str, word: str) -> str:
    rule = _RULES.get(word)
    return rule(made, number, line) if rule else _verbatim(line)


def _network(made: Adopted, number: int, line: str) -> str:
    options = _options(line)
    if "--ip" in options or options.get("--bootproto") == "static":
        made.notes.append(f"line {number}: {line.strip()}: kept, and every guest would have that address")
    kept = _verbatim(line)
    if "--hostname" in options:
        made.notes.append(f"line {number}: the host name {options['--hostname']} becomes the guest's own")
        kept = re.sub(r"--hostname(=|\s+)\S+", "--hostname={{ hostname }}", kept)
    return kept


def _repo(made: Adopted, number: int, line: str) -> str:
    """A repository inside of the tree moves with it."""
    base = _options(line).get("--baseurl", "")
    source = made.source.rstrip("/")
    if source and base.startswith(f"{source}/"):
        return _verbatim(line).replace(source, "{{ tree_url }}")
    where = base or "its mirror list"
    made.notes.append(f"line {number}: {line.strip()}: kept; guests fetch it from {where} themselves")
    return _verbatim(line)


def _rootpw(made: Adopted, number: int, line: str) -> str:
    options = _options(line)
    if "--iscrypted" not in options and "--lock" not in options:
        made.notes.append(f"line {number}: root's password is kept in the profile as plain text")
    return _verbatim(line)


_RULES: dict[str, Callable[[Adopted, int, str], str]] = {
    "network": _network,
    "repo": _repo,
    "rootpw": _rootpw,
}


def _options(line: str) -> dict[str, str]:
    """`--name=value` and `--name value` alike; a flag has the value ""."""
    try:
        words = shlex.split(line, comments=True)[1:]
    except ValueError:
        return {}
    found: dict[str, str] = {}
    for number, word in enumerate(words):
        key, equals, value = word.partition("=")
        if key.startswith("--"):
            following = words[number + 1] if number + 1 < len(words) else ""
            found[key] = value if equals else "" if following.startswith("--") else following
    return found
