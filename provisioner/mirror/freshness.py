"""How long a kept file is believed before its upstream is asked again, told by its name alone.

| name | why |
|---|---|
| `.rpm` `.drpm` | version and release are in the name, a rebuild raises them (Fedora Versioning) |
| `.deb` `.udeb`, sources below `pool/` | the version is in the name, never used again (Debian Policy 3.2) |
| `by-hash/` | the name is the digest (wiki.debian.org/DebianRepository/Format) |
| `<digest>-primary.xml.gz` | the digest is in the name (createrepo_c, --unique-md-filenames) |
| `repomd.xml`, `Release`, `Packages`, `.treeinfo` … | the same name for each new state of a repository |
| anything else | kernels, images, texts: seldom changed |
"""

import math
import re

FOREVER = math.inf
SOON = 60.0
DAILY = 86400.0

_TABLE: tuple[tuple[re.Pattern[str], float], ...] = (
    (re.compile(r"\.(d?rpm|u?deb)$"), FOREVER),
    (re.compile(r"(^|/)pool/.+\.(dsc|tar\.\w+|diff\.gz)$"), FOREVER),
    (re.compile(r"(^|/)by-hash/[^/]+/[0-9a-f]{32,128}$"), FOREVER),
    (re.compile(r"(^|/)repodata/([^/]*-)?[0-9a-f]{32,128}-[^/]+$"), FOREVER),
    (re.compile(r"(^|/)repodata/"), SOON),
    (re.compile(r"(^|/)dists/(?!.*/images/)"), SOON),
    (re.compile(r"(^|/)(In)?Release(\.gpg)?$"), SOON),
    (re.compile(r"(^|/)(Packages|Sources|Contents-[^/]+|Translation-[^/]+)(\.\w+)?$"), SOON),
    (re.compile(r"(^|/)(\.?treeinfo|\.?discinfo|media\.repo|content|CHECKSUMS)$"), SOON),
    (re.compile(r"(^|/)media\.\d+/"), SOON),
    (re.compile(r"(^|/)(MD5|SHA(1|224|256|384|512))SUMS?([.-]\w+)*$"), SOON),
    (re.compile(r"\.(asc|sig|gpg|key|sha256|mirrorlist|metalink)$"), SOON),
)


def believed(path: str) -> float:
    """Seconds since its upstream last said that the file is right; FOREVER: its name never gets new bytes."""
    return next((seconds for name, seconds in _TABLE if name.search(path)), DAILY)
