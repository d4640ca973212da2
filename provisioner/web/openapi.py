"""The OpenAPI 3.1 document, made from the same table and models that the API runs on."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import TypeAdapter

from provisioner import __version__
from provisioner.web.operation import Operation
from provisioner.web.schemas import ProblemOut

_REF = "#/components/schemas/{model}"
_PROBLEMS = {
    "400": "The request is malformed.",
    "401": "No token, or not the right one.",
    "403": "The request came from another site.",
    "404": "What the request names does not exist.",
    "409": "The present state forbids it.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "The request itself is wrong; the detail names the field.",
    "429": "Too many wrong tokens.",
    "503": "Something outside does not answer.",
}
_Mode = Literal["validation", "serialization"]
_Key = tuple[str, str, str]
_Schemas = Mapping[tuple[_Key, _Mode], Any]


def document(root: str, operations: tuple[Operation, ...]) -> Mapping[str, Any]:
    """The whole document."""
    problem: _Key = ("", "", "problem")
    wanted = [(problem, "serialization", TypeAdapter(ProblemOut)), *_models(operations)]
    schemas, shared = TypeAdapter.json_schemas(wanted, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for row in operations:
        paths.setdefault(root + row.path, {})[row.method.lower()] = _operation(row, schemas)
    components = {
        "schemas": shared.get("$defs", {}),
        "responses": {
            code: {
                "description": text,
                "content": {"application/problem+json": {"schema": schemas[problem, "serialization"]}},
            }
            for code, text in _PROBLEMS.items()
        },
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": "provisioner_session"},
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "provisioner", "version": __version__, "license": {"name": "Apache-2.0"}},
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": components,
    }


def _models(operations: tuple[Operation, ...]) -> Iterator[tuple[_Key, _Mode, TypeAdapter[Any]]]:
    for row in operations:
        if row.takes is not None:
            yield (row.method, row.path, "takes"), "validation", TypeAdapter(row.takes)
        for status, model in _gives(row).items():
            if model is not None:
                yield (row.method, row.path, str(status)), "serialization", TypeAdapter(model)


def _gives(row: Operation) -> dict[int, Any]:
    return {row.status: row.gives, **row.gives_too}


def _operation(row: Operation, schemas: _Schemas) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": _name(row),
        "summary": row.summary,
        "parameters": [*_path_parameters(row), *_query_parameters(row)],
        "responses": {code: {"$ref": f"#/components/responses/{code}"} for code in _PROBLEMS},
    }
    for status, model in _gives(row).items():
        schema = {} if model is None else schemas[(row.method, row.path, str(status)), "serialization"]
        content = {row.content: {"schema": schema}}
        found["responses"][str(status)] = {"description": row.summary, "content": content}
    if row.takes is not None:
        schema = schemas[(row.method, row.path, "takes"), "validation"]
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if row.text:
        found["requestBody"] = {"required": True, "content": {row.text: {"schema": {"type": "string"}}}}
    if row.streams:
        found["requestBody"] = {"required": True, "content": {"application/octet-stream": {"schema": {}}}}
    return found


def _name(row: Operation) -> str:
    """`POST /guests/{name}/start` as `post_guests_name_start`."""
    return "_".join(re.findall(r"[a-z]+", f"{row.method.lower()}{row.path}"))


def _path_parameters(row: Operation) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", row.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _query_parameters(row: Operation) -> Iterator[dict[str, Any]]:
    for name, text in row.query.items():
        yield {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
