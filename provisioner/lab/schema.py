"""The JSON schema of a lab's file, from the table that its reader uses: an editor completes by it.

`python -m provisioner.lab.schema` prints it, which is how docs/lab.schema.json is written.
"""

import json
from collections.abc import Mapping, Sequence

from provisioner.core.lab import LabKind
from provisioner.lab.document import DEFAULTS, NAME
from provisioner.lab.expand import COUNT, OVERRIDES
from provisioner.lab.expand import NAME as ITS_NAME
from provisioner.lab.fields import CLONE, FIELDS, SECTIONS, Field

_DRAFT = "http://json-schema.org/draft-07/schema#"
"""The newest that the common language server for YAML knows whole."""
_CLONES = "clone"
Schema = dict[str, object]
_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
"""A word that YAML takes for a number or a truth value is a text, as it is written."""


def schema() -> Schema:
    """The whole schema, as JSON values."""
    return {
        "$schema": _DRAFT,
        "title": "A lab of provisioner",
        "type": "object",
        "additionalProperties": False,
        "required": [NAME],
        "properties": {
            NAME: {
                "type": "string",
                "pattern": "^[a-z0-9][a-z0-9.-]{0,62}$",
                "description": "The lab's name, by which its things are known again",
            },
            DEFAULTS: {
                "description": "Fields of all things of a kind that do not say otherwise",
                **_map({section: _ref(kind) for section, kind in SECTIONS.items()}),
            },
            **{
                section: {"type": ["array", "null"], "items": _entry(kind)}
                for section, kind in SECTIONS.items()
            },
        },
        "definitions": {
            name: _map({field.name: _field(field) for field in fields})
            for name, fields in (*FIELDS.items(), (_CLONES, CLONE))
        },
    }


def text() -> str:
    """The schema as a file has it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _entry(kind: LabKind) -> Schema:
    if kind != "guest":
        return _thing(kind, FIELDS[kind])
    clone = _thing(_CLONES, CLONE)
    return {"if": {"required": [CLONE[0].name]}, "then": clone, "else": _thing(kind, FIELDS[kind])}


def _thing(definition: str, fields: Sequence[Field]) -> Schema:
    """An entry: its fields may also come from the defaults, only its name may not."""
    above = {"type": "object", "description": OVERRIDES.text, "additionalProperties": _ref(definition)}
    properties = {
        **{field.name: _field(field) for field in (ITS_NAME, COUNT)},
        **{field.name: _ref(f"{definition}/properties/{field.name}") for field in fields},
        OVERRIDES.name: above,
    }
    return {**_map(properties), "required": [ITS_NAME.name]}


def _ref(definition: str) -> Schema:
    return {"$ref": f"#/definitions/{definition}"}


def _map(properties: Mapping[str, object]) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": dict(properties)}


def _field(field: Field) -> Schema:
    """Empty is as if it were left out, so nothing forbids null."""
    described: Schema = {"description": field.text}
    if field.default not in (None, "", (), {}):
        described["default"] = field.default
    return {**described, **_form(field)}


def _form(field: Field) -> Schema:
    match field.form:
        case "line" | "text":
            if field.choices:
                return {"enum": [*filter(None, field.choices), None]}
            return {"type": ["string", "number", "boolean", "null"]}
        case "whole" | "number":
            kind = "integer" if field.form == "whole" else "number"
            return {"type": [kind, "null"], "minimum": field.least, "maximum": field.most}
        case "truth":
            return {"type": ["boolean", "null"]}
        case "lines":
            return {"type": ["array", "null"], "maxItems": field.most, "items": _SCALAR}
        case "options":
            entry = _map(dict.fromkeys(field.keys, _SCALAR))
            return {
                "type": ["array", "null"],
                "maxItems": field.most,
                "items": {"anyOf": [{"type": "string"}, entry]},
            }
        case "map":
            if field.keys:
                return {**_map(dict.fromkeys(field.keys, _SCALAR)), "type": ["object", "null"]}
            values: Schema = {} if field.name == "variables" else _SCALAR
            return {"type": ["object", "null"], "additionalProperties": values}


if __name__ == "__main__":
    print(text(), end="")  # noqa: T201 - it is what the command is for
