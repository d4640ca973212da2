"""docs/lab-fields.md, written from the table of fields: python -m provisioner.lab.reference"""

from collections.abc import Iterator, Sequence

from provisioner.lab.expand import COUNT, NAME, OVERRIDES
from provisioner.lab.fields import CLONE, FIELDS, Changes, Field, Form

_FORMS: dict[Form, str] = {
    "line": "text",
    "text": "text of several lines",
    "whole": "whole number",
    "number": "number",
    "truth": "`true` or `false`",
    "lines": "list of texts",
    "options": "list of texts or maps",
    "map": "map",
}
_CHANGES: dict[Changes, str] = {
    "place": "in place",
    "rebuild": "kept for a rebuild",
    "anew": "made anew",
    "once": "nothing",
}
_HEAD = """\
# The fields of a lab's file

This file is written from the program (`python -m provisioner.lab.reference`). How such a file is written,
planned and applied is told in [labs.md](labs.md); editors complete these fields by
[lab.schema.json](lab.schema.json).

The last column says what a change of the field does to a thing that is there: it is changed **in place**; it
is **kept for a rebuild**, until which nothing of the guest changes; the thing is **made anew**, a guest with
empty disks; **nothing**, for it only told how the thing was to be made. A guest is never made anew for
what somebody else changed behind the file: that is put right in place.

## Every entry

| field | value | what it is |
|---|---|---|
"""


def write() -> str:
    """The whole page."""
    parts = [_HEAD, *(f"{_row(field)} |\n" for field in (NAME, COUNT, OVERRIDES))]
    for kind, fields in FIELDS.items():
        parts += _table(f"`{kind}s`", fields)
    parts += _table("`guests` that are clones", CLONE)
    return "".join(parts)


def _table(title: str, fields: Sequence[Field]) -> Iterator[str]:
    yield f"\n## {title}\n\n| field | value | what it is | a change |\n|---|---|---|---|\n"
    for field in fields:
        yield f"{_row(field)} | {_CHANGES[field.changes]} |\n"


def _row(field: Field) -> str:
    return f"| `{field.name}` | {_value(field)} | {field.text}{_default(field)}"


def _value(field: Field) -> str:
    if field.choices:
        return ", ".join(f"`{choice}`" for choice in field.choices if choice)
    if field.form == "whole":
        return f"{field.least} to {field.most}"
    if field.keys:
        return f"{_FORMS[field.form]}: {', '.join(f'`{key}`' for key in field.keys)}"
    return _FORMS[field.form]


def _default(field: Field) -> str:
    if field.needed:
        return " **(needed)**"
    if field.default in (None, "", (), {}):
        return ""
    shown = str(field.default).lower() if isinstance(field.default, bool) else field.default
    return f" (`{shown}`)"


if __name__ == "__main__":
    print(write(), end="")  # noqa: T201 - it is what the command is for
