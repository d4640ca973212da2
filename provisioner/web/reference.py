"""docs/api.md, written from the OpenAPI document: python -m provisioner.web.reference"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.web.api import OPERATIONS, ROOT
from provisioner.web.openapi import document

_HEAD = """\
# The API

This file is written from the program (`python -m provisioner.web.reference`); the service gives the same as
an OpenAPI 3.1 document at `/api/openapi.json`. All paths stand below `/api/v1`, on the people's listener
(127.0.0.1:8081 unless the [settings](settings.md) say otherwise).

Every request carries the token that lies in `api.json` of the state directory, or a dashboard's cookie:

```sh
curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8081/api/v1/guests
curl -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
    -d '{"name": "web1", "profile": "tiny"}' 'http://127.0.0.1:8081/api/v1/guests?dry_run=1'
```

Bodies are JSON, and so are answers, but for what a row says otherwise: JSON lines come one by one as things
are done. An unknown field, or an unknown query parameter, is refused. An error is a problem (RFC 9457):
`detail` says what is wrong, `remedy` what to do.

| status | |
|---|---|
"""
_MODULE = re.compile(r"\w+__schemas_(\w+)__(\w+)")
_Schema = Mapping[str, Any]


def write() -> str:
    """The whole page."""
    found = document(ROOT, OPERATIONS)
    models, answers = found["components"]["schemas"], found["components"]["responses"]
    bodies = [
        row["requestBody"]
        for verbs in found["paths"].values()
        for row in verbs.values()
        if "requestBody" in row
    ]
    taken = _named(bodies, models)
    return "".join(
        [
            _HEAD,
            *(f"| {code} | {answer['description']} |\n" for code, answer in answers.items()),
            *_requests(found["paths"]),
            "\n## What is taken and given\n",
            *(line for name, model in models.items() for line in _model(name, model, taken=name in taken)),
        ]
    )


def _requests(paths: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    title = ""
    for path, verbs in sorted(paths.items(), key=lambda row: row[0].split("/")[3]):
        short = path.removeprefix(ROOT)
        noun = short.split("/")[1]
        if noun != title:
            yield f"\n## `/{noun}`\n\n| request | what it does | takes | gives |\n|---|---|---|---|\n"
            title = noun
        for verb, row in verbs.items():
            cells = f"`{verb.upper()} {short}`", _does(row), _body(row.get("requestBody")), _gives(row)
            yield f"| {' | '.join(cells)} |\n"


def _does(row: Mapping[str, Any]) -> str:
    asked = [f"`?{one['name']}` {one['description']}" for one in row["parameters"] if one["in"] == "query"]
    return _line("; ".join([row["summary"], *asked]))


def _body(body: Mapping[str, Any] | None) -> str:
    return "" if body is None else _content(body["content"])


def _gives(row: Mapping[str, Any]) -> str:
    answers = {code: answer["content"] for code, answer in row["responses"].items() if "content" in answer}
    told = [
        f"{code}: {_content(content)}" if code != "200" else _content(content)
        for code, content in answers.items()
    ]
    return ", ".join(told)


def _content(content: Mapping[str, Any]) -> str:
    ((kind, body),) = content.items()
    return _type(body["schema"]) if kind == "application/json" and body["schema"] else f"`{kind}`"


def _named(value: object, models: Mapping[str, _Schema]) -> set[str]:
    """The models that a schema is made of."""
    found: set[str] = set()
    left = [value]
    while left:
        match left.pop():
            case {"$ref": str(reference)} if (name := reference.rpartition("/")[2]) not in found:
                found.add(name)
                left.append(models[name])
            case dict() as inner:
                left += inner.values()
            case list() as inner:
                left += inner
    return found


def _model(name: str, model: _Schema, *, taken: bool) -> Iterator[str]:
    """What is given is always whole: only of what is taken some fields may be left out."""
    yield f"\n### {_title(name)}\n"
    if text := model.get("description"):
        yield f"\n{_line(text)}\n"
    if "enum" in model:
        yield f"\n{_type(model)}\n"
    if fields := model.get("properties"):
        needed = model.get("required", ()) if taken else ()
        yield "\n| field | type | |\n|---|---|---|\n"
        for key, field in fields.items():
            yield f"| `{key}` | {_type(field)}{_default(field)} | {_told(field, needed=key in needed)} |\n"


def _told(field: _Schema, *, needed: bool) -> str:
    text = _line(field.get("description", ""))
    return f"**needed** {text}".strip() if needed and "default" not in field else text


def _default(field: _Schema) -> str:
    value = field.get("default")
    if value in (None, "", [], {}):
        return ""
    return f" (`{str(value).lower() if isinstance(value, bool) else value}`)"


def _type(schema: _Schema) -> str:
    match schema:
        case {"$ref": str(reference)}:
            title = _title(reference.rpartition("/")[2])
            return f"[{title}](#{title.lower().replace(' ', '-')})"
        case {"anyOf": [*some]}:
            return " or ".join(map(_type, some))
        case {"enum": [*values]}:
            return ", ".join(f"`{value}`" if value != "" else '`""`' for value in values)
        case {"const": value}:
            return f"`{value}`"
        case {"type": "array", **rest}:
            return f"list of {_type(rest.get('items', {}))}"
        case {"type": "object", **rest}:
            inner = rest.get("additionalProperties")
            return f"map of {_type(inner)}" if isinstance(inner, dict) and inner else "map"
        case {"type": str(kind), **rest}:
            return str(rest.get("format", kind))
        case _:
            return "anything"


def _title(name: str) -> str:
    """Of two models with one name their modules tell which."""
    found = _MODULE.fullmatch(name)
    return f"{found[2]} of {found[1]}" if found else name


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("***", "`***`")


if __name__ == "__main__":
    print(write(), end="")  # noqa: T201 - it is what the command is for
