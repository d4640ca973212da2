"""What GRUB and PXELINUX of a machine ask for: its menu, and its tree's kernel, initrd and signed loaders."""

import mmap
import os
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path

from provisioner.boot import loader, menu
from provisioner.boot.arguments import SERIAL
from provisioner.boot.loader import Content
from provisioner.boot.script import ScriptFacts
from provisioner.core import urls
from provisioner.core.firmware import COMPANIONS
from provisioner.core.guest import GuestSpec
from provisioner.core.install import Install
from provisioner.core.profile import Profile, Tree
from provisioner.distros.base import major
from provisioner.distros.detect import family
from provisioner.plan.staged import INITRD, KERNEL
from provisioner.service.kernel_line import line, spec_of, tree_of
from provisioner.service.ports import Store


@dataclass(frozen=True, slots=True)
class Recipe:
    """An install whose loader does not speak our iPXE script. `spec` is None for what is no guest of ours."""

    install: Install
    profile: Profile
    tree: Tree
    spec: GuestSpec | None


async def recipe(store: Store, install: Install) -> Recipe:
    """Raises NotFound for a profile or tree that is gone."""
    # Jinja comes with it, and netboot's process rarely has a recipe.
    from provisioner.service.shipped import shipped

    known = shipped().get(install.profile)
    profile = known or await store.profile(install.profile)
    spec = await spec_of(store, install)
    return Recipe(install, profile, await store.tree(tree_of(spec, profile)), spec)


class Recipes:
    """`folder` holds the staged files of trees, `loaders` are this host's own, by name."""

    def __init__(
        self, folder: Path, loaders: Container[str], *, http_port: int = 8080, syslog_port: int = 5514
    ) -> None:
        self._folder = folder
        self._loaders = loaders
        self._http_port = http_port
        self._syslog_port = syslog_port
        self._kept: dict[Path, tuple[tuple[int, int], Content]] = {}

    def loaders(self, row: Recipe) -> Mapping[str, Path]:
        """The tree's own, by the name they are asked by; a shim without its GRUB is none."""
        place = self._folder / row.tree.name
        names = family(row.tree.family).loaders(row.tree)
        there = {name: place / name for name in names if (place / name).is_file()}
        alone = {name for name in there if not all(other in there for other in COMPANIONS.get(name, ()))}
        return {name: path for name, path in there.items() if name not in alone}

    def by_tftp(self, row: Recipe, name: str, server: str) -> Content | None:
        """What `name` is for this machine, None where it is nothing. Raises Invalid, Unavailable."""
        root = urls.base(server, self._http_port)
        place = f"/{loader.FILES}/{row.install.id}"
        match loader.kind(name):
            case "menu":
                return menu.grub(f"(tftp,{server})", f"/{loader.MENUS}").encode()
            case "machine":
                facts = self._facts(row, root, f"{place}/{KERNEL}", f"{place}/{INITRD}")
                return self._machine(row, facts, f"(tftp,{server})")
            case "pxelinux":
                return self._pxelinux(row, root, place).encode()
            case "kernel" | "initrd" as part if name == f"{place}/{part}"[1:]:
                return self._read(self._folder / row.tree.name / part)
        return self._own(row, name)

    def by_http(self, row: Recipe, name: str, root: str) -> Content | None:
        """The same below `/boot` of `root`; kernel and initrd are fetched as the files of a tree."""
        device = f"(http,{root.removeprefix('http://')})"
        match loader.kind(name):
            case "menu":
                return menu.grub(device, f"/boot/{loader.MENUS}").encode()
            case "machine":
                paths = (urls.tree("", row.tree.name, path) for path in (row.tree.kernel, row.tree.initrd))
                return self._machine(row, self._facts(row, root, *paths), device)
        return self._own(row, name)

    def _machine(self, row: Recipe, facts: ScriptFacts, device: str) -> bytes:
        old = row.tree.family == "rhel" and major(row.tree.release) == 7
        return menu.grub_machine(facts, device, linuxefi=old).encode()

    def _pxelinux(self, row: Recipe, root: str, place: str) -> str:
        """lpxelinux fetches by HTTP, which is many times as fast; PXELINUX itself by TFTP."""
        if "lpxelinux.0" in self._loaders:
            tree = row.tree
            paths = (urls.tree(root, tree.name, path) for path in (tree.kernel, tree.initrd))
        else:
            paths = (f"{place}/{part}"[1:] for part in (KERNEL, INITRD))
        return menu.pxelinux(self._facts(row, root, *paths))

    def _facts(self, row: Recipe, root: str, kernel: str, initrd: str) -> ScriptFacts:
        """A guest's GRUB reads the answer's key itself; whoever cannot is bound by being the first to ask."""
        key = SERIAL if row.spec is not None and row.install.loader == "grub" else urls.FIRST
        args = line(row.install, row.profile, row.tree, root, row.spec, key, self._syslog_port)
        return ScriptFacts(row.install.id, row.install.guest, kernel, initrd, args)

    def _own(self, row: Recipe, name: str) -> Content | None:
        path = self.loaders(row).get(name)
        return self._read(path) if path else None

    def _read(self, path: Path) -> Content | None:
        """The same object as long as the file is the same, so that it is framed once for all who fetch it."""
        try:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
                mark = status.st_mtime_ns, status.st_ino
                if path in self._kept and self._kept[path][0] == mark:
                    return self._kept[path][1]
                # Mapped and not read: nobody waits for a disk, and its pages are everybody's.
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if status.st_size else b""
        except FileNotFoundError:
            return None
        # Rare enough to look at all; a mapping keeps the blocks of a file that was removed.
        self._kept = {known: kept for known, kept in self._kept.items() if known.exists()}
        self._kept[path] = mark, mapped
        return mapped
