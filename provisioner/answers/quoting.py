"""Texts as each answer format holds them, so that its reader gets them back unchanged.

A text that a format cannot hold raises ValueError with a sentence; `render` adds template and line.
"""

import json
import re
import shlex
from xml.sax.saxutils import escape

# What no text of a person needs, and every format has its own trouble with.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# Printable in JSON; to a reader of YAML 1.1 or 1.2 unprintable, or the end of a line (YAML 1.2, 5.1 and 5.4).
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
# What XML 1.0 has no way to write (XML 1.0, 2.2).
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_SECTION_WORDS = frozenset(
    {"%end", "%include", "%pre", "%pre-install", "%post", "%packages", "%onerror", "%traceback", "%addon"}
    | {"%anaconda", "%certificate"}
)


def quote(text: object) -> str:
    """A word of a shell's line, and of a kickstart's, which is split in the same way."""
    return shlex.quote(str(text))


def line(text: object, secret: str = "") -> str:
    """The text itself, if it is one line. A `secret` is told by that name alone where it is not."""
    value = str(text)
    if _CONTROL.search(value) or "\n" in value or "\r" in value:
        told = secret or repr(value)
        raise ValueError(f"{told} holds a line break or control character, and is to be one line")
    return value


def lines(text: object) -> str:
    r"""The lines of a script as words of a shell's line, for `printf '%s\n' …`."""
    return " ".join(quote(line(row)) for row in str(text).split("\n"))


def preseed(text: object, secret: str = "") -> str:
    r"""The value of an answer of debian-installer, which reads it as it stands to the end of the line.

    Source: debconf-set-selections(1): blanks around the value are its separators, `\` at the end continues.
    """
    value = line(text, secret)
    if value != value.strip() or value.endswith("\\"):
        raise ValueError(f"{secret or repr(value)} begins or ends with what a preseed file has no quotes for")
    return value


def section(text: object) -> str:
    """The body of a kickstart's section: whatever line begins like one of its own words would end it.

    Source: pykickstart's reader, which looks for `%end`, `%include` and the sections' names in scripts too.
    """
    value = str(text)
    for number, row in enumerate(value.split("\n"), 1):
        word = row.split()[0] if row.split() else ""
        if word in _SECTION_WORDS or row.strip().startswith("%ksappend"):
            raise ValueError(
                f"line {number} of a script begins with {word}, on which a kickstart's reader acts"
            )
    return value


def tojson(value: object) -> str:
    """JSON, which is YAML too: letters as they are, what a YAML reader would not take escaped."""
    text = json.dumps(value, ensure_ascii=False, default=str)  # of an undefined name, str raises
    return _NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def xml(text: object) -> str:
    """The content of an element or attribute."""
    value = str(text)
    if found := _NOT_XML.search(value):
        raise ValueError(f"{value!r} holds {found[0]!r}, which XML cannot")
    return escape(value, {'"': "&quot;", "\r": "&#13;"})


def refuse(text: object) -> str:
    """For what a template cannot do: ends the rendering with this sentence."""
    raise ValueError(str(text))


FUNCTIONS = (quote, line, lines, preseed, section, xml, refuse)
"""What a template may call by its name; `tojson` is a filter."""
