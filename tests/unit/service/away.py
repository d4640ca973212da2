"""A store that goes away and comes back."""

from typing import Any

from provisioner.core.errors import Unavailable


class Away:
    """A store that is not there as long as `away` says so."""

    def __init__(self, store: Any) -> None:
        self.away = True
        self._store = store

    def __getattr__(self, name: str) -> Any:
        if self.away:
            raise Unavailable("the database does not answer")
        return getattr(self._store, name)
