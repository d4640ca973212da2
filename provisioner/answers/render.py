"""An answer file from a template and what is known of one install."""

import traceback
from functools import cache
from pathlib import Path

from jinja2 import Environment, TemplateNotFound, TemplateSyntaxError

from provisioner import resources
from provisioner.answers import quoting
from provisioner.answers.context import AnswerContext, names
from provisioner.core.errors import Invalid

_REMEDY = "mend the template"
_INLINE = "<template>"
_LAYOUT = "/snippets/layout-"
"""A layout of disks is a snippet of its own, so that the files are the list of those there are."""


def render(template: str, context: AnswerContext, folder: Path | None = None) -> str:
    """The text of `template`: a file below kickstarts/, or, where it holds a line break, the template itself.

    `folder` is the user's own, which is looked at first. Raises Invalid naming the template and the line for
    a template that is broken or asks for an unknown name.
    """
    templates = environment(folder)
    inline = "\n" in template
    name = "the template" if inline else template
    try:
        loaded = templates.from_string(template) if inline else templates.get_template(template)
        return loaded.render(names(context))
    except TemplateNotFound as error:
        raise _missing(templates, str(error.name)) from error
    except TemplateSyntaxError as error:
        where = f"{error.name or name} line {error.lineno}"
        raise Invalid(f"{where}: {error.message}", remedy=_REMEDY) from error
    except RecursionError as error:
        raise Invalid(f"{name} includes or calls itself without end", remedy=_REMEDY) from error
    except MemoryError:
        raise
    except Exception as error:
        # A template may raise anything: it calls the methods of what it is given.
        raise Invalid(f"{_where(error, name)}: {error}", remedy=_REMEDY) from error


@cache
def environment(folder: Path | None = None) -> Environment:
    """The templates, with what quotes a text for each format; `tojson` is not jinja2's, which is for HTML."""
    made = resources.answers(folder)
    made.filters["tojson"] = quoting.tojson
    made.globals.update({row.__name__: row for row in quoting.FUNCTIONS})
    return made


def _missing(templates: Environment, name: str) -> Invalid:
    place, found, layout = name.partition(_LAYOUT)
    if not found:
        return Invalid(f"there is no template {name} below kickstarts/", remedy=_REMEDY)
    begin = place + _LAYOUT
    known = sorted(
        row.removeprefix(begin).removesuffix(".j2")
        for row in templates.list_templates()
        if row.startswith(begin)
    )
    return Invalid(
        f"the layout {layout.removesuffix('.j2')!r} is not known to {place}; known are {', '.join(known)}",
        remedy="set the variable layout to one of them",
    )


def _where(error: BaseException, name: str) -> str:
    """The innermost template line that an error came from; jinja2 names templates in its tracebacks."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [(frame.filename, frame.lineno) for frame in frames if _is_template(frame.filename)]
    if not lines:
        return name
    file, line = lines[-1]
    return f"{name if file == _INLINE else _short(Path(file))} line {line}"


def _short(file: Path) -> str:
    """The template's name: its file below the folder of its family."""
    return "/".join(file.parts[-3:] if file.parent.name == "snippets" else file.parts[-2:])


def _is_template(file: str) -> bool:
    return file == _INLINE or file.endswith(".j2")
