"""Which line of which template wrote each line of a text: the text is rendered again, with marks in it."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from provisioner.answers.context import AnswerContext, names
from provisioner.answers.finding import Origins
from provisioner.answers.render import environment

_MARK = re.compile("\x02([^\x02\x03]*)\x03")
INLINE = "the template"


class _Marks(Extension):
    """Puts a mark before every piece of plain text, behind each line break in it, and before each value."""

    def filter_stream(self, stream: TokenStream) -> Iterable[Token]:
        name = stream.name or INLINE
        for token in stream:
            if token.type == "data":
                yield Token(token.lineno, "data", _marked(token.value, name, token.lineno))
                continue
            if token.type == "variable_begin":
                yield Token(token.lineno, "data", _mark(name, token.lineno))
            yield token


def origins(template: str, context: AnswerContext, text: str, folder: Path | None = None) -> Origins:
    """Where the lines of `text` come from, which `template` gave for `context`.

    Nothing is known where the marks changed what the template does: a script that it quotes, for one.
    """
    marking = environment(folder).overlay(extensions=[_Marks])
    loaded = marking.from_string(template) if "\n" in template else marking.get_template(template)
    try:
        marked = loaded.render(names(context))
    except ValueError:
        return Origins()
    if _MARK.sub("", marked) != text:
        return Origins()
    return Origins(tuple(_places(marked)))


def _places(marked: str) -> Iterator[tuple[str, int]]:
    """Of each line the last mark before its first character that is to be seen."""
    place = ("", 0)
    for line in marked.split("\n"):
        begun = False
        for number, piece in enumerate(_MARK.split(line)):
            if number % 2 and not begun:
                name, _, lineno = piece.rpartition(":")
                place = (name, int(lineno))
            elif not number % 2:
                begun = begun or bool(piece.strip())
        yield place
        # What follows in the line wrote no beginning of one, but the next line may be of its value.
        last = _MARK.findall(line)
        if last:
            name, _, lineno = last[-1].rpartition(":")
            place = (name, int(lineno))


def _marked(data: str, name: str, line: int) -> str:
    lines = data.split("\n")
    return "\n".join(f"{_mark(name, line + number)}{part}" for number, part in enumerate(lines))


def _mark(name: str, line: int) -> str:
    return f"\x02{name}:{line}\x03"
