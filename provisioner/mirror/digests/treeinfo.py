"""The section [checksums] of a tree's `.treeinfo`."""

from provisioner.distros import anaconda
from provisioner.mirror.digests.table import Rows, Table

NAMES = anaconda.TREEINFO


def read(data: bytes, by: str, signed: str = "") -> Table:
    """What the file at the path `by` says of kernel, initrd, runtime and the rest. Raises Invalid.

    None of `repodata/repomd.xml`: that is often made anew after the tree was composed.
    """
    rows = Rows(by, by.rpartition("/")[0])
    described = anaconda.described({NAMES[0]: data})
    for path, checksum in (described.checksums if described else {}).items():
        if not path.endswith("repodata/repomd.xml"):
            rows.add(path.encode(), checksum.partition(":")[2].encode())
    return rows.table(signed)
