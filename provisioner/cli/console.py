"""A guest's serial console in this terminal: raw, both ways, over the service's WebSocket; Ctrl-] leaves."""

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import click

from provisioner.cli.api import Api, refusal
from provisioner.core.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from websocket import WebSocket

ESCAPE = b"\x1d"
"""Ctrl-]"""
_CONNECT_SECONDS = 10
_PING_SECONDS = 60.0
_CHUNK = 4096


def attach(api: Api, name: str, *, force: bool, tail: int) -> None:
    """Returns when either end leaves. Raises what the service refuses it with."""
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise Invalid(
            "a console needs a terminal on both sides",
            remedy=f"for a command in the guest: provisioner guest ssh {name} COMMAND",
        )
    socket = _open(api, name, force=force, tail=tail)
    click.echo(f"console of {name}; leave it with Ctrl-]", err=True)
    try:
        with _raw(sys.stdin.fileno()):
            why = _pass_on(socket, sys.stdin.fileno(), sys.stdout.fileno())
    finally:
        socket.close(timeout=1)
    click.echo(f"\r\n{why}", err=True)


def _open(api: Api, name: str, *, force: bool, tail: int) -> "WebSocket":
    import websocket

    query = urlencode({"tail": tail, **({"force": 1} if force else {})})
    url = f"{api.address('guests', name, 'console')}?{query}"
    try:
        socket = websocket.create_connection(
            "ws" + url.removeprefix("http"),
            timeout=_CONNECT_SECONDS,
            header={"Authorization": f"Bearer {api.endpoint.token}"},
            suppress_origin=True,
            http_no_proxy=["127.0.0.1", "::1", "localhost"],
        )
    except websocket.WebSocketBadStatusException as error:
        raise refusal(error.status_code, error.status_message or "", error.resp_body or b"") from None
    except (websocket.WebSocketException, OSError) as error:
        raise Unavailable(f"the service at {api.endpoint.url} does not answer: {error}") from error
    return socket


@contextmanager
def _raw(terminal: int) -> Iterator[None]:
    """Every key goes to the guest, Ctrl-C included; afterwards the terminal is as it was."""
    before = termios.tcgetattr(terminal)
    try:
        tty.setraw(terminal)
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _pass_on(socket: "WebSocket", source: int, target: int) -> str:
    """Why it ended, for the person who sat there."""
    import websocket

    line = socket.sock.fileno() if socket.sock else -1
    while True:
        ready, _, _ = select.select([source, line], [], [], _PING_SECONDS)
        try:
            if source in ready:
                typed = os.read(source, _CHUNK)
                before, escape, _ = typed.partition(ESCAPE)
                if before:
                    socket.send_binary(before)
                if escape or not typed:
                    return "left; the guest runs on"
            if line in ready:
                kind, data = socket.recv_data(control_frame=True)
                if kind == websocket.ABNF.OPCODE_CLOSE:
                    return _reason(data)
                if kind in (websocket.ABNF.OPCODE_BINARY, websocket.ABNF.OPCODE_TEXT):
                    _write(target, data)
            if not ready:
                socket.ping()
        except (websocket.WebSocketException, OSError):
            return "the service broke the connection off"


def _write(target: int, data: bytes) -> None:
    while data:
        data = data[os.write(target, data) :]


def _reason(closing: bytes) -> str:
    return closing[2:].decode("utf-8", "replace") or "the console was closed"
