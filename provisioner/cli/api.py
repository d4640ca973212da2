"""The client of the service's API: JSON in and out, errors as those of `core.errors`."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlsplit

from provisioner.cli.endpoint import Endpoint, find
from provisioner.core.errors import (
    Conflict,
    Denied,
    Invalid,
    NotFound,
    ProvisionerError,
    Unavailable,
)

if TYPE_CHECKING:
    from requests import Response

_ERRORS: Mapping[int, type[ProvisionerError]] = {
    400: Invalid,
    401: Denied,
    403: Denied,
    404: NotFound,
    409: Conflict,
    422: Invalid,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Frame:
    """One server-sent event: its name and its JSON data; `id` is "" where it has none."""

    name: str
    data: Any
    id: str = ""


class SupportsRead(Protocol):
    """A body of known length."""

    def __len__(self) -> int: ...
    def read(self, count: int = ..., /) -> bytes: ...


class Api:
    """Talks to one service. Raises the errors of `core.errors`; Unavailable where it does not answer."""

    def __init__(self, endpoint: Endpoint) -> None:
        import requests

        self.endpoint = endpoint
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {endpoint.token}"
        if urlsplit(endpoint.url).hostname in ("127.0.0.1", "::1", "localhost"):
            self._session.trust_env = False  # a proxy of the environment cannot reach our loopback

    def get(self, *path: str, **params: str) -> Any:
        return self._call("GET", path, params=params).json()

    def text(self, *path: str, **params: str) -> str:
        """A plain document, or the `text` or `xml` of a JSON one."""
        response = self._call("GET", path, params=params)
        if "json" not in response.headers.get("Content-Type", ""):
            return str(response.text)
        body = response.json()
        return str(body.get("text") or body.get("xml") or "") if isinstance(body, dict) else str(body)

    def post(self, *path: str, body: object = None, **params: str) -> Any:
        return _document(self._call("POST", path, body=body, params=params))

    def put(self, *path: str, body: object = None, **params: str) -> Any:
        return _document(self._call("PUT", path, body=body, params=params))

    def patient(self, *path: str, body: object) -> Any:
        """A `post` that may take as long as it takes: a disk is copied."""
        return self._call("POST", path, body=body, stream=True).json()

    def data(self, *path: str) -> bytes:
        """A document that is no text."""
        return bytes(self._call("GET", path).content)

    def address(self, *path: str) -> str:
        """The URL of a path of the API."""
        return "/".join([f"{self.endpoint.url}/api/v1", *(quote(part, safe="") for part in path)])

    def delete(self, *path: str, **params: str) -> Any:
        return _document(self._call("DELETE", path, params=params))

    def upload(self, *path: str, body: SupportsRead, **params: str) -> Any:
        """PUT of a file's bytes, whose length `body` tells by `len()`."""
        return _document(self._call("PUT", path, data=body, params=params, stream=True))

    def download(self, *path: str, **params: str) -> tuple[int, Iterator[bytes]]:
        """The size of a document of bytes, and the bytes as they come."""
        response = self._call("GET", path, params=params, stream=True)
        return int(response.headers["Content-Length"]), self._chunks(response)

    def _chunks(self, response: "Response") -> Iterator[bytes]:
        from requests import RequestException

        try:
            yield from response.iter_content(1024 * 1024)
        except RequestException as error:
            raise Unavailable(f"the service at {self.endpoint.url} broke off its answer") from error

    def hand(self, *path: str, text: bytes, **params: str) -> Any:
        """A `post` of a file's text, which may take as long as it takes."""
        return self._call("POST", path, data=text, params=params, stream=True).json()

    def lines(
        self, *path: str, body: object = None, text: bytes | None = None, **params: str
    ) -> Iterator[dict[str, Any]]:
        """The JSON objects of an application/x-ndjson answer, as they come; `text` is a file's, as a body."""
        from requests import RequestException

        response = self._call("POST", path, body=body, data=text, params=params, stream=True)
        try:
            for line in response.iter_lines():
                if line:
                    yield json.loads(line)
        except RequestException as error:
            raise Unavailable(f"the service at {self.endpoint.url} broke off its answer") from error

    def progress(self, *path: str, body: object) -> Iterator[dict[str, Any]]:
        """The same of one piece of work. Raises Unavailable with what it says where it fails."""
        for item in self.lines(*path, body=body):
            if "error" in item:
                raise Unavailable(str(item["error"]), remedy=str(item.get("remedy") or ""))
            yield item

    def events(self, after: int | None, *, idle: float) -> Iterator[Frame | None]:
        """The live stream from the event after `after`, or from now; first None comes: the stream is open.

        Ends where the service closes it or stays silent for `idle` seconds; the caller asks again.
        """
        from requests import RequestException

        url = f"{self.endpoint.url}/events"
        try:
            with self._session.get(
                url,
                params={} if after is None else {"after": str(after)},
                stream=True,
                timeout=(_CONNECT_SECONDS, idle),
            ) as response:
                _check(response)
                yield None
                yield from frames(_lines(response.iter_content(None)))
        except RequestException:
            return

    def _call(
        self,
        method: str,
        path: tuple[str, ...],
        *,
        body: object = None,
        data: SupportsRead | bytes | None = None,
        params: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> "Response":
        from requests import RequestException

        url = self.address(*path)
        wait = None if stream else _ANSWER_SECONDS
        try:
            response = self._session.request(
                method,
                url,
                json=body,
                data=data,
                params=params,
                stream=stream,
                timeout=(_CONNECT_SECONDS, wait),
            )
        except RequestException as error:
            raise Unavailable(
                f"the service at {self.endpoint.url} does not answer",
                remedy="see whether it still runs, or start one with: provisioner serve",
            ) from error
        _check(response)
        return response


def connect() -> Api:
    """The client of the service that `endpoint.find` names; says so where that is the demo's."""
    import click

    endpoint = find()
    if endpoint.demo:
        click.echo(f"note: using the demo's service at {endpoint.url}", err=True)
    return Api(endpoint)


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines as soon as they are whole. requests' own see two where a CR LF comes in two pieces."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r")


def frames(lines: Iterator[bytes]) -> Iterator[Frame]:
    """The frames of a text/event-stream; comments and frames without data are skipped."""
    name, data, number = "message", list[str](), ""
    for raw in lines:
        line = raw.decode("utf-8", "replace")
        if not line:
            if data:
                yield Frame(name, json.loads("\n".join(data)), number)
            name, data = "message", []
            continue
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match key:
            case "event":
                name = value
            case "data":
                data.append(value)
            case "id":
                number = value


def _check(response: "Response") -> None:
    """Raises what a problem+json answer says."""
    if response.status_code >= 400:
        raise refusal(response.status_code, response.reason, response.content)


def refusal(status: int, reason: str, body: bytes) -> ProvisionerError:
    """The error that an answer of this status and body tells."""
    try:
        problem = json.loads(body)
        sentence = str(problem.get("detail") or problem.get("title"))
        remedy = str(problem.get("remedy") or "")
    except (ValueError, AttributeError):
        sentence, remedy = f"the service answered {status} {reason}", ""
    if status == 401 and not remedy:
        remedy = "take PROVISIONER_TOKEN from api.json of the service's state directory"
    return _ERRORS.get(status, ProvisionerError)(sentence, remedy=remedy)


def _document(response: "Response") -> Any:
    return response.json() if response.content else {}
