"""What is being uploaded, on disk: so that what came half is taken back, whatever died meanwhile."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from provisioner.core.errors import Conflict, Unavailable


@dataclass(frozen=True, slots=True)
class Transfer:
    """`uri` "" for the configured host."""

    uri: str
    pool: str
    volume: str


class Transfers:
    """`folder` holds a small file for each upload that runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: set[Transfer] = set()

    @contextmanager
    def running(self, transfer: Transfer) -> Iterator[None]:
        """Raises Conflict where the same volume is being filled already.

        A host that went away could not take back what came: that stays noted.
        """
        if transfer in self._running:
            raise Conflict(f"volume {transfer.volume} of pool {transfer.pool} is being uploaded already")
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"{secrets.token_hex(8)}.json"
        self._running.add(transfer)
        try:
            file.write_text(json.dumps(asdict(transfer)))
            yield
        except Unavailable:
            raise
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        else:
            file.unlink(missing_ok=True)
        finally:
            self._running.discard(transfer)

    def left(self) -> list[tuple[Path, Transfer]]:
        """The uploads that ended without being taken back or finished, each with its file."""
        found = []
        for file in sorted(self._folder.glob("*.json")):
            try:
                transfer = Transfer(**json.loads(file.read_text()))
            except (ValueError, TypeError):
                file.unlink(missing_ok=True)
                continue
            if transfer not in self._running:
                found.append((file, transfer))
        return found
