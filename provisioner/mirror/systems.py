"""Where the tree of a system lies that is named as osinfo-db names it: our own list, then osinfo-db's.

Regional mirrors keep makers' archives under names that are nearly everywhere the same; `region` is the
address above them (https://mirrors.aliyun.com), `mirrors` are addresses of single archives by their names.
"""

import asyncio
import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

from provisioner.core.errors import Invalid
from provisioner.mirror.osinfodb import FOLDERS, Osinfo

_LIST = "systems.toml"


class Systems:
    """Satisfies `service.ports.Systems`. `osinfo` are the folders of osinfo-db. Raises Invalid for a mirror
    of an archive that nobody knows.
    """

    def __init__(
        self, region: str = "", mirrors: Mapping[str, str] | None = None, osinfo: Sequence[Path] = FOLDERS
    ) -> None:
        listed = tomllib.loads((files(__package__) / _LIST).read_text())
        self._rules: list[dict[str, Any]] = listed["tree"]
        self._ended: dict[str, date] = listed["ended"]
        self._makers: dict[str, str] = listed["archives"]
        self._region = region.rstrip("/")
        self._mirrors = {name: address.rstrip("/") for name, address in (mirrors or {}).items()}
        self._osinfo = Osinfo(osinfo)
        unknown = sorted(set(self._mirrors) - set(self._makers))
        if unknown:
            raise Invalid(
                f"setting mirrors: no archive is called {unknown[0]!r}",
                remedy=f"known are: {', '.join(self._makers)}",
            )

    async def places(self, name: str, arch: str) -> list[str]:
        """URLs of the system's tree, the likeliest first; none for a system that nobody knows."""
        listed = list(dict.fromkeys(self._listed(name, arch)))
        if listed:
            return listed
        found = await asyncio.to_thread(self._osinfo.tree, name, arch)
        return [self.regional(found)] if found else []

    def bases(self, archive: str) -> list[str]:
        """Addresses of one of the archives, the nearest first."""
        return list(dict.fromkeys((self._base(archive), self._makers[archive])))

    def regional(self, url: str) -> str:
        """The place in the region of what lies at a maker's own; any other address stays as it is."""
        for archive, address in self._makers.items():
            if url.startswith(f"{address}/") or url == address:
                return f"{self._base(archive)}{url.removeprefix(address)}"
        return url

    async def least(self, name: str) -> tuple[int, float]:
        """Memory in MiB and disk in GiB that osinfo-db has as the least for a system, 0 where it has none."""
        return await asyncio.to_thread(self._osinfo.least, name)

    async def ended(self, name: str) -> date | None:
        """When the system's maker stopped mending it, or will: by our list or else osinfo-db's."""
        return self._ended.get(name) or await asyncio.to_thread(self._osinfo.ended, name)

    async def like(self, name: str) -> list[str]:
        """Names of systems that are written nearly so."""
        known = await asyncio.to_thread(self._osinfo.names)
        return difflib.get_close_matches(name, known, n=3)

    def _listed(self, name: str, arch: str) -> Iterator[str]:
        for rule in self._rules:
            found = re.fullmatch(rule["system"], name)
            if not found or arch not in rule.get("only", [arch]):
                continue
            group = (found[1] or "") if found.re.groups else ""
            build = rule.get("builds", {}).get(group, "")
            if "builds" in rule and not build:
                continue
            path = rule.get("path", "").replace("{1}", group).replace("{build}", build)
            yield f"{self._base(rule['archive'])}/{path.replace('{arch}', arch)}".rstrip("/")

    def _base(self, archive: str) -> str:
        if archive in self._mirrors:
            return self._mirrors[archive]
        return f"{self._region}/{archive}" if self._region else self._makers[archive]
