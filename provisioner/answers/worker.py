"""The process in which answer files are rendered and checked, a fresh child for each.

Standard input is a socket. Every message on it brings a descriptor, a socket of its own, and names the
kickstart syntax to have ready (`-` for none). A child is forked for it, with the libraries already loaded. It
says its process id, reads one pickled request until the end, bounds itself, and answers in JSON:

    {"task": "render", "template", "context", "folder"}           -> {"text"}
    {"task": "origins", "template", "context", "folder", "text"}  -> {"places": [[template, line], …]}
    {"task": "lint", "text", "family", "release"}                 -> {"findings": [{line, text, …}, …]}

or {"error": sentence, "remedy": …}. Requests come from the service, which is trusted; what they carry is not.
"""

import json
import os
import pickle
import signal
import socket
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from provisioner.answers import bounds
from provisioner.answers.lint import lint
from provisioner.answers.lint_kickstart import prepare
from provisioner.answers.origins import origins
from provisioner.answers.render import render
from provisioner.core.errors import ProvisionerError

NOTHING = b"-"


def main() -> None:
    """Serves until the other end is closed."""
    bounds.load()
    bounds.leave_the_network()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    control = socket.socket(fileno=0)
    while True:
        word, descriptors, _, _ = socket.recv_fds(control, 64, 1)
        if not word:
            return
        if word != NOTHING:
            prepare(word.decode())
        for descriptor in descriptors:
            if os.fork() == 0:
                control.close()
                _serve(socket.socket(fileno=descriptor))
            os.close(descriptor)


def _serve(line: socket.socket) -> None:
    """In the child: one request, one answer, and the end, whatever happens."""
    try:
        line.sendall(b"%d\n" % os.getpid())
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        request = pickle.loads(line.makefile("rb").read())  # noqa: S301 - from our own parent
        task = request.pop("task")
        line.sendall(json.dumps(_answer(task, request)).encode())
    finally:
        os._exit(0)


def _answer(task: str, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return _TASKS[task](**request)
    except ProvisionerError as error:
        return {"error": str(error), "remedy": error.remedy}
    except MemoryError:
        return {"error": f"the {_WHAT[task]} needs too much memory", "remedy": "make it smaller"}


def _render(**request: Any) -> dict[str, Any]:
    bounds.confine(request["folder"])
    text = render(**request)
    bounds.check_length(text)
    return {"text": text}


def _origins(**request: Any) -> dict[str, Any]:
    bounds.confine(request["folder"])
    return {"places": origins(**request).places}


def _lint(text: str, family: str, release: str) -> dict[str, Any]:
    bounds.limit(bounds.LINT)
    bounds.drop_rights()
    return {"findings": [asdict(finding) for finding in lint(text, family, release)]}


_TASKS: dict[str, Callable[..., dict[str, Any]]] = {"render": _render, "origins": _origins, "lint": _lint}
_WHAT = {"render": "template", "origins": "template", "lint": "check of the answer file"}

if __name__ == "__main__":
    main()
