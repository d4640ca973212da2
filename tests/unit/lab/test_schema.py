"""The published schema, and the table that it is made from: it has what the API's requests have."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from provisioner.cli.root import cli
from provisioner.lab.fields import ASIDE, CLONE, FIELDS, Field
from provisioner.lab.schema import schema, text
from provisioner.web.schemas import NewImage, ProfileBody
from provisioner.web.schemas_guest import CloudInit, NewGuest
from provisioner.web.schemas_hosts import NewHost
from provisioner.web.schemas_life import NewClone
from provisioner.web.schemas_networks import NewNetwork
from provisioner.web.schemas_storage import NewPool
from provisioner.web.schemas_trees import NewTree

PUBLISHED = Path(__file__).parents[3] / "docs/lab.schema.json"
REQUESTS: Mapping[str, tuple[tuple[Field, ...], type[BaseModel]]] = {
    "host": (FIELDS["host"], NewHost),
    "network": (FIELDS["network"], NewNetwork),
    "pool": (FIELDS["pool"], NewPool),
    "tree": (FIELDS["tree"], NewTree),
    "image": (FIELDS["image"], NewImage),
    "profile": (FIELDS["profile"], ProfileBody),
    "guest": (FIELDS["guest"], NewGuest),
    "clone": (CLONE, NewClone),
}
ELSEWHERE = {"name", "connect"}
"""The name is every entry's; a guest's host is said by `on`."""
FORMS = {
    "line": "string", "text": "string", "whole": "integer", "number": "number", "truth": "boolean",
    "lines": "array", "options": "array", "map": "object",
}  # fmt: skip


def test_the_published_schema_is_what_the_program_writes() -> None:
    """Mended by: python -m provisioner.lab.schema >docs/lab.schema.json"""
    assert PUBLISHED.read_text() == text()


@pytest.mark.parametrize("kind", REQUESTS)
def test_the_table_has_the_fields_of_the_request(kind: str) -> None:
    fields, model = REQUESTS[kind]

    known = {field.name for field in fields} - {*ASIDE, "clone"}
    assert known == model.model_fields.keys() - ELSEWHERE


@pytest.mark.parametrize("kind", REQUESTS)
def test_each_field_is_what_the_request_takes(kind: str) -> None:
    fields, model = REQUESTS[kind]
    asked = model.model_json_schema()["properties"]

    for field in fields:
        if field.name in {*ASIDE, "clone"}:
            continue
        wanted = without_null(asked[field.name])
        form = wanted.get("type", "object" if "$ref" in wanted else "string")
        assert FORMS[field.form] == form, field.name
        assert set(field.choices) == set(wanted.get("enum", ())), field.name
        if not field.needed:
            default = model.model_fields[field.name].get_default(call_default_factory=True)
            assert field.default == (tuple(default) if isinstance(default, list) else default), field.name


def without_null(wanted: dict[str, Any]) -> dict[str, Any]:
    """The schema of a field that may be null, as if it could not."""
    if "anyOf" not in wanted:
        return wanted
    return next(one for one in wanted["anyOf"] if one.get("type") != "null")


def test_maps_of_fixed_names_have_the_request_s() -> None:
    (seed,) = (field for field in FIELDS["guest"] if field.name == "cloud_init")

    assert seed.keys == tuple(CloudInit.model_fields)


def test_every_reference_leads_somewhere() -> None:
    whole = schema()
    references = set(references_in(whole))

    assert references
    for reference in references:
        at: Any = whole
        for part in reference.removeprefix("#/").split("/"):
            at = at[part]
        assert at["description" if "properties/" in reference else "type"]


def references_in(value: object) -> list[str]:
    match value:
        case {"$ref": str(reference)}:
            return [reference]
        case dict():
            return [found for item in value.values() for found in references_in(item)]
        case list():
            return [found for item in value for found in references_in(item)]
        case _:
            return []


def test_it_is_plain_json() -> None:
    assert json.loads(json.dumps(schema())) == schema()


def test_the_command_prints_what_is_published() -> None:
    ran = CliRunner().invoke(cli, ["plan", "--schema"])

    assert (ran.exit_code, ran.output) == (0, PUBLISHED.read_text())
