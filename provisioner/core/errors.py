"""The errors of this project, each one sentence and a remedy.

    ProvisionerError
    ├── Invalid       the request is wrong: what, where, what to do       (HTTP 422)
    ├── NotFound      no such guest, profile, tree, network …             (HTTP 404)
    ├── Conflict      the name is taken, the stage forbids it             (HTTP 409)
    ├── Denied        no token, or not the right one                      (HTTP 401)
    └── Unavailable   an edge is down: libvirt, a tree, a port, the store (HTTP 503)

`web/errors.py` and `cli/errors.py` hold the only maps from these to codes.
"""


class ProvisionerError(Exception):
    """A sentence for a person (`str(error)`) and, where one is known, what to do about it (`remedy`)."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class Invalid(ProvisionerError):
    """The request itself is wrong."""


class NotFound(ProvisionerError):
    """What the request names does not exist."""


class Conflict(ProvisionerError):
    """What the request asks cannot be done in the present state."""


class Denied(ProvisionerError):
    """The request carries no token, or not the right one."""


class Unavailable(ProvisionerError):
    """Something outside that the request needs does not answer."""
