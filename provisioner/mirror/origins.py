"""The several places that a tree can be read from, asked in order of their health.

A place in the region comes before a maker's own, then the tree's source, its mirrors, and at last the
archives that may hold what is gone from there; one that answered markedly sooner than another goes before it.
One that does not answer is left alone for a growing while; then a single request finds out whether it is
back, and what else is asked meanwhile waits for that. One that gave wrong bytes is asked last for five
minutes.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace

from provisioner.core.errors import Unavailable
from provisioner.core.source import kind, shown
from provisioner.mirror.archives import Archives, Move, Route
from provisioner.mirror.health import DOUBT_SECONDS, Condition, Health
from provisioner.mirror.limits import Limits, host
from provisioner.mirror.presence import Open, Presence
from provisioner.mirror.stream import Headers, Pieces, Stream, absent
from provisioner.mirror.trust import Erred

ANSWER_SECONDS = 9.0
"""All upstreams together begin their answer within so long."""
_SHARE_SECONDS = 3.0
"""Each has at least so long, where there are several."""
_PATIENCE_SECONDS = 2.0
"""Where all are down, one that may be asked again so soon is waited for."""
_QUICK_SECONDS = 0.02
"""What answers sooner than so is as good as what answers sooner still."""
_REMEMBERED = 4096
_BECAUSE = " cannot be read: "
_REMEDY = "look whether the server answers from this host"


class _Root:
    """One place of trees: its own condition, its server's, which other roots share, and what came of it."""

    def __init__(self, url: str, server: Condition, presence: Presence) -> None:
        self.url = url
        self.server = server
        self.presence = presence
        self.own = Condition()
        self.latency = 0.0
        self.bytes = 0
        self.requests = 0

    def pause(self) -> float:
        return max(self.server.pause(), self.own.pause())

    def worse(self) -> Condition:
        return max(
            (self.own, self.server), key=lambda condition: ("ok", "aside", "down").index(condition.state)
        )

    def health(self) -> Health:
        worse = self.worse()
        reason = worse.reason if worse.state != "ok" else ""
        return Health(shown(self.url), worse.state, worse.since, reason, self.bytes, self.requests)

    def answered(self, seconds: float) -> None:
        self.latency = seconds if not self.latency else 0.7 * self.latency + 0.3 * seconds
        self.server.well()
        self.own.well()


class Origins:
    """`open_file` reads one place; `mirrors` tells the further places of a source, `regional` the place in
    the region of one that lies at a maker's, `archives` where old trees go, `limits` what a host is asked
    for at a time; `expand` reads lists among mirrors. For one event loop.
    """

    def __init__(
        self,
        open_file: Open,
        *,
        mirrors: Callable[[str], Sequence[str]] = lambda _: (),
        regional: Callable[[str], str] = lambda url: url,
        archives: Archives | None = None,
        limits: Limits | None = None,
        expand: Callable[[Sequence[str]], Awaitable[Sequence[str]]] | None = None,
    ) -> None:
        self._open = open_file
        self._mirrors = mirrors
        self._regional = regional
        self._expand = expand
        self._limits = limits or Limits()
        self._archives = archives or Archives(lambda _: ())
        self._servers: dict[str, Condition] = {}
        self._roots: dict[str, _Root] = {}
        self._asked: dict[str, dict[str, _Root]] = {}
        self._gave: OrderedDict[str, _Root] = OrderedDict()

    def saturated(self) -> str:
        """As `Limits.saturated` tells it."""
        return self._limits.saturated()

    @asynccontextmanager
    async def open(self, source: str, path: str, headers: Headers | None = None) -> AsyncIterator[Stream]:
        """As `Upstream.open`, from the first place that answers; `Stream.url` says which.

        Within ten seconds it has begun, or raises Unavailable in one sentence. A part that is asked for with
        If-Range comes from the place that gave the file before; any other gives the whole file instead.
        """
        if kind(source) == "path":
            async with self._open(source, path, headers) as stream:
                yield stream
            return
        async with AsyncExitStack() as stack:
            stream = await self._first(stack, source, path, headers or {})
            async with aclosing(stream.pieces):
                yield stream

    def blame(self, url: str, reason: str) -> None:
        """What came from this address was wrong: its place is asked last for five minutes."""
        root = self._gave.get(url) or next(
            (root for root in self._roots.values() if url.startswith(f"{shown(root.url)}/")), None
        )
        if root is not None:
            root.own.set_aside(reason)

    def health(self, source: str = "") -> Sequence[Health]:
        """Every place that was asked since the service started, or those that were for a source."""
        roots = self._asked.get(source, {}) if source else self._roots
        return [root.health() for root in roots.values() if root.requests]

    def moves(self, source: str = "") -> Sequence[Move]:
        """The trees, or the one, that are read from an archive."""
        return self._archives.moves(source)

    def archive(self, source: str) -> str:
        """The archive that a source, or what has gone of it, is read from; "" where all of it is there."""
        return next((move.to for move in reversed(self.moves(source))), "")

    async def _first(self, stack: AsyncExitStack, source: str, path: str, headers: Headers) -> Stream:
        end = time.monotonic() + ANSWER_SECONDS
        route = self._archives.route(source, path)
        before = self._gave.get(f"{source}\0{path}") if "If-Range" in headers else None
        mirrors = self._mirrors(source)
        if mirrors and self._expand:
            mirrors = await self._expand(mirrors)
        roots = self._ordered(source, route, mirrors, before)
        sole = len(roots) == 1
        refusals: dict[_Root, Unavailable] = {}
        failed: set[Condition] = set()
        lacking = False
        for patience in (0.0, _PATIENCE_SECONDS):
            left, roots = roots, []
            while left and (time.monotonic() < end or not (refusals or lacking)):
                root = left.pop(0)
                if (pause := root.pause()) > min(patience, end - time.monotonic()):
                    if root.server not in failed:
                        refusals[root] = _is_down(root, path)
                        roots.append(root)
                    continue
                await asyncio.sleep(max(0.0, pause))
                before_wait = time.monotonic()
                asked = headers if root is before or before is None else _whole(headers)
                seconds = end - time.monotonic()
                share = max(_SHARE_SECONDS, seconds / (len(left) + 1))
                try:
                    free = await self._limits.connect(root.url)
                    end += time.monotonic() - before_wait
                    stream = await self._attempt(stack, root, source, path, asked, min(share, seconds), free)
                except Unavailable as error:
                    refusals[root] = error
                    failed.add(root.server)
                    continue
                if stream.status != 404 or sole or await self._lacks(root, source, route):
                    await self._note(root, source, route, found=stream.status != 404)
                    return stream
                lacking = lacking or not root.presence.is_gone(route.part or "")
        if lacking or not refusals:
            return absent()
        raise _all(refusals, source, path)

    async def _lacks(self, root: _Root, source: str, route: Route) -> bool:
        """Whether a root's 404 says that the tree has no such file: it is there, and no mere mirror."""
        if route.part is None:
            return False
        there = await root.presence.holds(route.part, self._archives.keys(route.part))
        return there and root.url in (source, *route.moved, *route.archives)

    async def _note(self, root: _Root, source: str, route: Route, *, found: bool) -> None:
        """Remembers the archive that has what is gone from the source."""
        if route.part is None:
            return
        if found:
            root.presence.gave(route.part)
        away = self._root(source).presence.is_gone(route.part)
        if away and root.url in route.archives and not root.presence.is_gone(route.part):
            await asyncio.to_thread(self._archives.remember, source, route.part, root.url)

    async def _attempt(
        self,
        stack: AsyncExitStack,
        root: _Root,
        source: str,
        path: str,
        headers: Headers,
        seconds: float,
        free: Callable[[], None],
    ) -> Stream:
        """Raises Unavailable, having noted what it says of the server and of the root."""
        async with AsyncExitStack() as trial, AsyncExitStack() as opened:
            opened.callback(free)
            for condition in (root.server, root.own):
                if condition.state == "down":
                    await trial.enter_async_context(condition.trial)
            if root.pause() > 0:
                raise _is_down(root, path)
            if root.worse().state != "down":
                await trial.aclose()
            began = time.monotonic()
            root.requests += 1
            self._asked.setdefault(source, {})[root.url] = root
            try:
                async with asyncio.timeout(seconds if kind(root.url) == "http" else None):
                    stream = await opened.enter_async_context(self._open(root.url, path, headers))
            except TimeoutError:
                reason = f"it did not begin to answer within {seconds:.0f} s"
                root.server.fail(reason, began)
                raise Unavailable(f"{shown(root.url)}/{path}{_BECAUSE}{reason}", remedy=_REMEDY) from None
            except Erred as error:
                root.server.well()
                root.own.strike(str(error), began)
                raise
            except Unavailable as error:
                root.server.fail(_reason(error), began)
                raise
            root.answered(time.monotonic() - began)
            if stream.status == 404:
                return absent()
            stack.push_async_exit(opened.pop_all())
        url = stream.url or shown(f"{root.url}/{path}")
        for key in (f"{source}\0{path}", url):
            self._remember(key, root)
        return replace(stream, pieces=_counted(root, stream.pieces, self._limits), url=url)

    def _root(self, url: str) -> _Root:
        if url not in self._roots:
            condition = self._servers.setdefault(f"{kind(url)}://{host(url)}", Condition())
            self._roots[url] = _Root(url, condition, Presence(self._open, url))
        return self._roots[url]

    def _ordered(
        self, source: str, route: Route, mirrors: Sequence[str], before: _Root | None
    ) -> list[_Root]:
        """Those that do well first, the quick ones of them before others; equal ones stay as they are."""
        own = [*route.moved, self._regional(source), source, *mirrors]
        roots = [self._root(url) for url in dict.fromkeys([*own, *route.archives])]
        last = {self._root(url) for url in route.archives if url not in own}
        part = route.part or ""
        quickest = min((root.latency for root in roots if root.latency), default=0.0)

        def rank(root: _Root) -> tuple[bool, bool, bool, int, bool, int]:
            bad = ("ok", "aside", "down").index(root.worse().state)
            moved = root.url in route.moved
            gone = root.presence.is_gone(part)
            return (
                root is not before or bad == 2,
                root in last,
                gone,
                bad,
                not moved,
                _magnitude(root.latency or quickest),
            )

        return sorted(roots, key=rank)

    def _remember(self, url: str, root: _Root) -> None:
        self._gave[url] = root
        self._gave.move_to_end(url)
        if len(self._gave) > _REMEMBERED:
            self._gave.popitem(last=False)


def _magnitude(seconds: float) -> int:
    """Latencies of one magnitude, a factor of four, count as equal."""
    return round(math.log2(max(seconds, _QUICK_SECONDS)) / 2)


def _whole(headers: Headers) -> Headers:
    """The question for the whole file: another server's validator says nothing of this one's file."""
    return {name: value for name, value in headers.items() if name not in ("Range", "If-Range")}


async def _counted(root: _Root, pieces: Pieces, limits: Limits) -> AsyncGenerator[bytes, None]:
    try:
        async for piece in pieces:
            root.bytes += len(piece)
            await limits.spend(root.url, len(piece))
            yield piece
    except Unavailable as error:
        root.own.set_aside(str(error), DOUBT_SECONDS)
        raise


def _is_down(root: _Root, path: str) -> Unavailable:
    why = f"the server is down (asked again in {max(1, math.ceil(root.pause()))} s): {root.worse().reason}"
    return Unavailable(f"{shown(root.url)}/{path}{_BECAUSE}{why}", remedy=_REMEDY)


def _all(refusals: Mapping[_Root, Unavailable], source: str, path: str) -> Unavailable:
    """One sentence for all of them, each host once."""
    errors = list(refusals.values())
    if len(errors) == 1:
        return errors[0]
    reasons: dict[str, str] = {}
    for root, error in refusals.items():
        reasons.setdefault(host(root.url), _reason(error))
    own = reasons.pop(host(source), "") or reasons.pop(next(iter(reasons)))
    further = "".join(f"; nor from {name}: {reason}" for name, reason in reasons.items())
    return Unavailable(f"{shown(source)}/{path}{_BECAUSE}{own}{further}", remedy=errors[0].remedy)


def _reason(error: Unavailable) -> str:
    return str(error).rpartition(_BECAUSE)[2]
