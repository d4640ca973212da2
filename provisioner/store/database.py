"""The store: every method of `service.ports.Store`, put together from one file a noun."""

from pathlib import Path

from provisioner.store.catalogue import Catalogue
from provisioner.store.engine import database_errors
from provisioner.store.hosts import HostRows
from provisioner.store.labs import Labs
from provisioner.store.machinery import Machinery
from provisioner.store.migrating import migrate
from provisioner.store.paces import Paces
from provisioner.store.repairs import Repairs
from provisioner.store.runs import Runs
from provisioner.store.secrets import Secrets
from provisioner.store.snapshots import Snapshots
from provisioner.store.timeline import Timeline


class Database(Timeline, Runs, Machinery, Catalogue, HostRows, Secrets, Repairs, Labs, Paces, Snapshots):
    """`await open()`, then `await migrate(...)` once by whoever serves; `await close()` at the end."""

    async def migrate(self, backup_dir: Path) -> Path | None:
        """Brings the tables to this program's form. Returns the copy made of the file before, if any.

        Raises Unavailable where the database was written by a newer program.
        """
        with database_errors(self.url):
            return await migrate(self._opened(), self._file, backup_dir, self._clock())
