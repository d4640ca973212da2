"""An answer file from a template and what is known of one install."""

import shlex
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from jinja2 import TemplateNotFound, TemplateSyntaxError

from provisioner import resources
from provisioner.core.errors import Invalid

_REMEDY = "mend the template"
_INLINE = "<template>"


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """Every name that a template may use, beside `quote(text)`, which quotes a word for a shell.

    `guest` is "" for a machine that we did not create. URLs end without a slash; `tree_url` is the tree's
    root, `report_url` takes `/success`, `/failure`, `/progress` and `/first-boot`. `root_password_hash` ""
    means that root is locked. `before` and `after` are snippets in the answer file's own language. `syslog`
    is host and port of our log listener, None where there is none. `supports` names what this release may
    use of the things that differ between releases. `variables` are the profile's own.
    """

    guest: str
    hostname: str
    mac: str
    uuid: str
    install: str
    root: str
    tree_url: str
    report_url: str
    image_url: str = ""
    image_sha256: str = ""
    release: str = ""
    root_password_hash: str = ""
    ssh_keys: tuple[str, ...] = ()
    lang: str = "en_US.UTF-8"
    keyboard: str = "us"
    timezone: str = "UTC"
    packages: tuple[str, ...] = ()
    before: str = ""
    after: str = ""
    syslog: tuple[str, int] | None = None
    supports: frozenset[str] = frozenset()
    variables: Mapping[str, object] = field(default_factory=dict)


def render(template: str, context: AnswerContext) -> str:
    """The text of `template`: a file below kickstarts/, or, where it holds a line break, the template itself.

    Raises Invalid naming the template and the line for a template that is broken or asks for an unknown name.
    """
    environment = resources.text("kickstarts")
    inline = "\n" in template
    name = "the template" if inline else template
    try:
        loaded = environment.from_string(template) if inline else environment.get_template(template)
        return loaded.render(names(context))
    except TemplateNotFound as error:
        raise Invalid(f"there is no template {error.name} below kickstarts/", remedy=_REMEDY) from error
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


def _where(error: BaseException, name: str) -> str:
    """The innermost template line that an error came from; jinja2 names templates in its tracebacks."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [(frame.filename, frame.lineno) for frame in frames if _is_template(frame.filename)]
    if not lines:
        return name
    file, line = lines[-1]
    return f"{name if file == _INLINE else '/'.join(Path(file).parts[-2:])} line {line}"


def _is_template(file: str) -> bool:
    return file == _INLINE or file.endswith(".j2")


def names(context: AnswerContext) -> dict[str, object]:
    """What a template may name, and what stands behind each."""
    return {row.name: getattr(context, row.name) for row in fields(context)} | {"quote": shlex.quote}
