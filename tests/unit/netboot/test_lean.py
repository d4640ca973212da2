"""The netboot process is small: what it imports is counted."""

import subprocess
import sys

HEAVY = ("aiohttp", "libvirt", "pydantic", "jinja2", "sqlalchemy", "click", "rich", "requests")


def test_netboot_and_its_snapshot_load_nothing_that_they_do_not_use() -> None:
    program = (
        "import sys, provisioner.netboot.server, provisioner.service.snapshot;"
        f"print(sorted(set(sys.modules) & set({HEAVY!r})))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
