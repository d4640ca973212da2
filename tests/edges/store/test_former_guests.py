"""A database of the first form, with guests of one disk and one card, brought to this program's form."""

import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from provisioner.core.guest import Disk, GuestSpec, Nic
from provisioner.plan.steps import DeleteVolume, UndefineDomain
from provisioner.service.ports import GuestRow, Holdings
from provisioner.service.removal import removal_of
from provisioner.store import migrating
from provisioner.store.database import Database
from provisioner.store.rows import install_values
from tests.edges.store.conftest import INSTALL
from tests.edges.store.test_migrations import SCRIPTS, file_of
from tests.fakes import START

FIRST = "0001"
UUID = "00000000-0000-4000-8000-00000000000{}"
SPEC: dict[str, Any] = {
    "name": "web1",
    "profile": "tiny",
    "mac": "52:54:00:00:00:01",
    "uuid": UUID.format(1),
    "memory": 768,
    "vcpus": 2,
    "disk": {"size": 1.5, "pool": "fast", "format": "raw"},
    "nic": {"kind": "direct", "source": "eth0"},
    "boot": "uefi",
    "rom": False,
    "method": "pxe",
    "extra_args": "quiet",
    "autostart": True,
}
# A guest whose rebuild was cut off: its old volume is still to be removed.
CUT_OFF = {
    **SPEC,
    "name": "web2",
    "mac": "52:54:00:00:00:02",
    "uuid": UUID.format(2),
    "disk": {"size": 4, "pool": "default", "format": "qcow2"},
    "nic": {"kind": "network", "source": "default"},
}
SECRETS = {"ssh_keys": "ssh-ed25519 AAAA me", "root_password_hash": "$6$a$b"}


def put(connection: sqlite3.Connection, spec: dict[str, Any], install: str, old_volume: str) -> None:
    row = {
        "name": spec["name"],
        "uuid": spec["uuid"],
        "install": install,
        "volume": f"{spec['name']}-{install}",
        "old_volume": old_volume,
        "uri": "",
        "created": START.replace(tzinfo=None).isoformat(" "),
        "spec": json.dumps(spec),
        "secrets": json.dumps(SECRETS),
    }
    machine = (spec["name"], spec["mac"], spec["uuid"], True, spec["profile"])
    connection.execute("INSERT INTO machines VALUES (?, ?, ?, ?, ?)", machine)
    marks = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO guests ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))


def put_install(connection: sqlite3.Connection) -> None:
    row = {name: value for name, value in install_values(INSTALL).items() if name not in ("loader", "arch")}
    for name in ("created", "changed"):
        row[name] = row[name].replace(tzinfo=None).isoformat(" ")
    marks = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO installs ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))


@pytest.fixture
async def former(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """A database that the first program left, opened by this one and not yet migrated."""
    scripts = tmp_path / "first"
    shutil.copytree(SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__", "r000[2-9]*", "r00[1-9]*"))
    with monkeypatch.context() as first:
        first.setattr(migrating, "_SCRIPTS", scripts)
        first.setattr(migrating, "HEAD", FIRST)
        database = Database(url)
        await database.open()
        await database.migrate(tmp_path / "backup")
        await database.close()
    with closing(sqlite3.connect(file_of(url))) as connection:
        put_install(connection)
        put(connection, SPEC, "i1", "")
        put(connection, CUT_OFF, "i3", "web2-i2")
        connection.commit()
    database = Database(url)
    await database.open()
    yield database
    await database.close()


async def test_one_disk_and_one_card_become_the_first_of_several(former: Database, tmp_path: Path) -> None:
    copy = await former.migrate(tmp_path / "backup")

    assert copy is not None and copy.exists()
    assert await former.guest("web1") == GuestRow(
        GuestSpec(
            "web1",
            "tiny",
            UUID.format(1),
            memory=768,
            vcpus=2,
            disks=(Disk(1.5, "fast", "raw"),),
            nics=(Nic("direct", "eth0", "52:54:00:00:00:01"),),
            boot="uefi",
            rom=False,
            extra_args="quiet",
            autostart=True,
        ),
        "i1",
        "web1-i1",
        START,
        SECRETS,
        holdings=Holdings(owned=(("fast", "web1-i1"),)),
    )
    assert [row.spec.name for row in await former.guests()] == ["web1", "web2"]
    assert (await former.install("i1")).guest == "web1"


async def test_a_removal_takes_the_volume_and_what_a_rebuild_left(former: Database, tmp_path: Path) -> None:
    await former.migrate(tmp_path / "backup")

    plans = [removal_of(row).steps for row in await former.guests()]

    assert plans == [
        (UndefineDomain("web1", UUID.format(1)), DeleteVolume("fast", "web1-i1")),
        (
            UndefineDomain("web2", UUID.format(2)),
            DeleteVolume("default", "web2-i3"),
            DeleteVolume("default", "web2-i2"),
        ),
    ]


async def test_a_former_guest_can_be_put_back_as_it_is(former: Database, tmp_path: Path) -> None:
    await former.migrate(tmp_path / "backup")
    row = await former.guest("web2")

    await former.put_guest(row)

    assert await former.guest("web2") == row
    assert (row.old_volume, row.first_stage) == ("web2-i2", False)


async def test_the_copy_is_what_the_first_program_reads(former: Database, tmp_path: Path) -> None:
    copy = await former.migrate(tmp_path / "backup")

    assert copy is not None
    with closing(sqlite3.connect(copy)) as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(guests)")}
        (text,) = connection.execute("SELECT spec FROM guests WHERE name = 'web1'").fetchone()
        (form,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    assert form == FIRST
    assert not {"holdings", "first_stage"} & columns
    assert json.loads(text) == SPEC


async def test_a_guest_that_cannot_be_read_leaves_the_tables_as_they_were(
    former: Database, url: str, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(file_of(url))) as connection:
        connection.execute("UPDATE guests SET spec = '{}' WHERE name = 'web2'")
        connection.commit()

    with pytest.raises(Exception, match="disk"):
        await former.migrate(tmp_path / "backup")

    with closing(sqlite3.connect(file_of(url))) as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(guests)")}
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(FIRST,)]
    assert "holdings" not in columns
