"""The root files of a repository fetched, their signature checked, and the next state made of them."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256

from provisioner.core.digest import Expected
from provisioner.core.errors import Invalid, NotFound, Unavailable
from provisioner.core.source import shown
from provisioner.mirror import roots
from provisioner.mirror.lists import Fetch
from provisioner.mirror.objects import Objects
from provisioner.mirror.pointers import Pointer, Pointers
from provisioner.mirror.roots import Root
from provisioner.mirror.signatures import SHIPPED, Checked, check
from provisioner.mirror.state import State, looked
from provisioner.mirror.stream import Headers, Stream, whole
from provisioner.mirror.tree import LIMIT

Open = Callable[[str, str, Headers | None], AbstractAsyncContextManager[Stream]]
_TRIES = 3
_AT_ONCE = 4
_BACK_SECONDS = 86400.0
"""So long after an upstream confirmed a state none that is older is taken for a newer one."""
_CLEAR_SIGNED = b"-----BEGIN PGP SIGNED MESSAGE-----"


class Refused(Invalid):
    """Root files whose signature by a known key is not over them."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """Root files as they came, the main one first; `url`, `etag` and `modified` are the main one's."""

    files: Mapping[str, bytes]
    url: str = ""
    etag: str = ""
    modified: str = ""


class Renewal:
    """`keys` are the armoured keys of a source's tree, "" for those of the host; `blame` sets an upstream
    aside.
    """

    def __init__(
        self,
        objects: Objects,
        pointers: Pointers,
        open_file: Open,
        fetch: Fetch,
        keys: Callable[[str], str],
        blame: Callable[[str, str], None],
        clock: Callable[[], float],
        shipped: Sequence[str] = SHIPPED,
    ) -> None:
        self._objects = objects
        self._pointers = pointers
        self._open = open_file
        self._fetch = fetch
        self._keys = keys
        self._blame = blame
        self._clock = clock
        self._shipped = shipped

    def restored(self, source: str) -> Iterator[State]:
        """Blocking. The current states of a source, as they were before the service was started."""
        for pointer, files in self._pointers.all(source):
            try:
                reading = roots.read(pointer.root, files, pointer.signed)
            except Invalid:
                continue
            state = State(source, pointer.root, pointer, reading, files)
            state.note(self._objects)
            yield state

    async def newest(self, source: str, root: Root, old: State | None) -> State | None:
        """The state that the upstream is in: `old` itself where nothing changed, None where there is none.

        What was used of the old one is fetched before, so that the new one is whole when it is handed out.
        Raises Refused, Invalid or Unavailable.
        """
        keys = self._keys(source)
        ring = sha256(keys.encode()).hexdigest()
        asked, checked = await self._signed(
            source, root, old if old and old.pointer.keys == ring else None, keys
        )
        if asked is None or (old and old.pointer.keys == ring and _same(asked, old)):
            return await self._confirmed(old)
        if not asked.files:
            if old is not None:
                raise Unavailable(f"{root.mains[0]} is not there any more; the last state that was is kept")
            return None
        state = await asyncio.to_thread(self._made, source, root, asked, checked, ring)
        if old is not None:
            self._check_order(old, state)
            await self._complete(old, state)
        await asyncio.to_thread(self._set, state)
        return state

    async def _signed(
        self, source: str, root: Root, old: State | None, keys: str
    ) -> tuple[_Asked | None, Checked]:
        """Root files whose signature is not wrong, from whichever upstream has such. None: not changed."""
        seen: set[str] = set()
        why, name = "", ""
        for attempt in range(_TRIES):
            asked = await self._ask(source, root, old)
            if asked is None or not asked.files or (old and _same(asked, old)):
                return asked, Checked("unknown")
            checked = await asyncio.to_thread(_checked, root, asked.files, keys, self._shipped)
            if checked.verdict != "bad":
                return asked, checked
            why, name = checked.why, next(iter(asked.files))
            # A signature may come a moment after what it is over.
            if asked.url in seen:
                self._blame(asked.url, why)
            seen.add(asked.url)
            if attempt + 1 < _TRIES:
                await asyncio.sleep(attempt * 0.5)
        raise Refused(
            f"{shown(source)}/{name} is refused: {why}",
            remedy="ask the mirror's operator, or add another mirror to the tree",
        )

    async def _ask(self, source: str, root: Root, old: State | None) -> _Asked | None:
        """None where the upstream says that nothing changed."""
        files: dict[str, bytes] = {}
        asked = _Asked(files)
        main = next(iter(old.files)) if old else ""
        for path in sorted(root.files, key=lambda path: path != main):
            headers = _conditions(old) if old is not None and path == main else {}
            try:
                came = await self._one(source, path, headers)
            except Unavailable:
                # Some servers show a web page for what they lack.
                if path not in root.signatures or not files:
                    raise
                continue
            if came is None:
                return None
            if path in came.files and not (root.kind in ("treeinfo", "sums") and _is_page(came.files[path])):
                asked = asked if files else replace(came, files=files)
                files[path] = came.files[path]
            if old is not None and path == main and _same(asked, old):
                return asked
            if path == root.mains[-1] and not files:
                break
        return replace(asked, files={path: files[path] for path in root.files if path in files})

    async def _one(self, source: str, path: str, headers: Headers) -> _Asked | None:
        """One file, none where it is not there, None where it is not changed."""
        async with self._open(source, path, headers) as stream:
            if stream.status == 304:
                return None
            if stream.status != 200:
                return _Asked({})
            data = await whole(stream.chunks(), LIMIT)
            if data is None:
                name = f"{shown(source)}/{path}"
                raise Invalid(f"{name} is longer than {LIMIT >> 20} MiB, too long for what it should be")
            said = stream.headers
            return _Asked({path: data}, stream.url, said.get("ETag", ""), said.get("Last-Modified", ""))

    def _made(self, source: str, root: Root, asked: _Asked, checked: Checked, ring: str) -> State:
        pointer = Pointer(
            root.kind,
            root.place,
            {path: sha256(data).hexdigest() for path, data in asked.files.items()},
            asked.url,
            asked.etag,
            asked.modified,
            checked.signed,
            checked.why,
            ring,
            self._clock(),
        )
        return State(source, root, pointer, roots.read(root, asked.files, checked.signed), asked.files)

    def _check_order(self, old: State, new: State) -> None:
        """Raises Unavailable for what cannot follow the old state."""
        name = f"{shown(new.source)}/{next(iter(new.files))}"
        if new.reading.torn:
            raise Unavailable(f"{name} is being changed: {new.reading.torn}")
        if old.pointer.keys == new.pointer.keys and old.pointer.signed and not new.pointer.signed:
            raise Unavailable(
                f"{name} was signed and is no more: {new.pointer.unsigned} "
                "(where the key is a new one, add the tree again with --key)"
            )
        older = 0 < new.reading.stamp < old.reading.stamp
        if older and self._clock() - old.pointer.checked < _BACK_SECONDS:
            raise Unavailable(f"{name} is older than the state that is known: that mirror is behind")

    async def _complete(self, old: State, new: State) -> None:
        """Raises Unavailable where the upstream has not yet what its root files name."""
        kept = await asyncio.to_thread(lambda: list(old.kept(self._objects)))
        found = (old.successor(path, name, new) for path, name in kept)
        limit = asyncio.Semaphore(_AT_ONCE)

        async def fetch(path: str, must: Expected) -> None:
            async with limit:
                try:
                    await self._fetch(new.source, path, looked(must))
                except NotFound:
                    raise Unavailable(f"{must.by} names {path}, which is not there yet") from None

        async with asyncio.TaskGroup() as group:
            for path, must in {row for row in found if row is not None}:
                group.create_task(fetch(path, must))
        await asyncio.to_thread(new.note, self._objects)

    def _set(self, state: State) -> None:
        for path in state.files:
            state.keep(self._objects, path)
        # On a full disk it is known for as long as the service runs.
        with suppress(OSError):
            self._pointers.set(state.source, state.pointer, state.files)

    async def _confirmed(self, old: State | None) -> State | None:
        if old is not None:
            now = self._clock()
            old.pointer = replace(old.pointer, checked=now)
            await asyncio.to_thread(self._pointers.confirm, old.source, old.root, now)
        return old


def _same(asked: _Asked, old: State) -> bool:
    """The first of the root files decides: the others are about it."""
    path, data = next(iter(asked.files.items()), ("", b""))
    return old.pointer.files.get(path) == sha256(data).hexdigest() and path == next(iter(old.files))


def _conditions(old: State) -> Headers:
    found = {"If-None-Match": old.pointer.etag, "If-Modified-Since": old.pointer.modified}
    return {name: value for name, value in found.items() if value}


def _is_page(data: bytes) -> bool:
    return data[:200].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def _checked(root: Root, files: Mapping[str, bytes], keys: str, shipped: Sequence[str]) -> Checked:
    """Blocking."""
    main = next(iter(files))
    if files[main].startswith(_CLEAR_SIGNED):
        return check(files[main], None, keys, shipped)
    found = next((files[path] for path in root.signatures if path in files), None)
    if found is None or main != root.mains[-1]:
        return Checked("unknown", why="there is no signature beside it")
    return check(files[main], found, keys, shipped)
