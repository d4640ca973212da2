"""What becomes of a machine that asked: from what it does next on the wire, what went wrong.

Pure: the caller says what was seen and when, in seconds of a clock that only grows.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from provisioner.core.install import Kind

_TRIES: Final = 3
"""EDK2 asks port 4011 four times in six seconds, iPXE four times in two: the third comes soon enough."""
_PATIENCE: Final = 0.3
"""Seconds that an answer may take, our own as well, which may be read after many questions."""
_SERVERS: Final = 8
_ROUND: Final = 30.0
"""Seconds after which a further question on 4011 belongs to another boot."""
_LATELY: Final = 120.0
"""Seconds in which a machine that was offered a file goes to fetch one."""
_AT_ONCE: Final = 10.0
"""Seconds after a loader's last byte in which firmware that does not start it tries the next thing."""
_SKEW: Final = 0.5
"""Two sockets tell of one transfer; what happened last may be read first."""
_MOST: Final = 4096


@dataclass(frozen=True, slots=True)
class Finding:
    """What went wrong, for the machine's timeline. `remedy` is "" where there is nothing to do about it."""

    kind: Kind
    text: str
    remedy: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class _Tries:
    """Questions to one server's port 4011 since the last answer."""

    since: float
    count: int = 0
    told: bool = False


@dataclass(slots=True)
class _Track:
    """`offered` is the file it was last offered, `fetching` the one it last asked us for by TFTP."""

    offered: str = ""
    offered_at: float = 0.0
    asked_at: float = 0.0
    refused_at: float | None = None
    tries: dict[str, _Tries] = field(default_factory=dict)
    tried_at: float = 0.0
    fetching: str = ""
    fetching_at: float = 0.0
    address: str = ""


class Tracks:
    """Of the machines on one interface, by MAC address. `ours` is our address there."""

    def __init__(self, ours: str) -> None:
        self._ours = ours
        self._tracks: OrderedDict[str, _Track] = OrderedDict()
        self._sent: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def offered(self, mac: str, file: str, now: float) -> None:
        """We offered it a boot file."""
        track = self._of(mac)
        track.offered, track.offered_at = file, now

    def refused(self, mac: str, now: float) -> None:
        """We heard it and chose to be silent, which is told elsewhere."""
        self._of(mac).refused_at = now

    def asked(self, mac: str, now: float) -> None:
        """A question on port 67: a boot begins, or the program that was loaded asks for itself."""
        track = self._of(mac)
        track.asked_at, track.fetching = now, ""
        track.tries.clear()

    def answered(self, mac: str) -> None:
        """An answer from port 4011."""
        self._of(mac).tries.clear()

    def asked_for_file(self, mac: str, server: str, now: float) -> Finding | None:
        """A question on port 4011 of `server`. A finding once three in a row have had no answer."""
        track = self._of(mac)
        if now - track.tried_at > _ROUND or (server not in track.tries and len(track.tries) >= _SERVERS):
            track.tries.clear()
        track.tried_at = now
        tries = track.tries.setdefault(server, _Tries(now))
        tries.count += 1
        if tries.told or tries.count < _TRIES or now - tries.since < _PATIENCE:
            return None
        tries.told = True
        if server == self._ours and track.refused_at is not None and now - track.refused_at <= _ROUND:
            return None
        return self._unanswered(server, tries.count)

    def _unanswered(self, server: str, tries: int) -> Finding:
        asked = "was asked for the boot file on port 4011 again and again"
        if server == self._ours:
            text = f"{server}, which is us, {asked} and none of it came through"
            remedy = "let UDP port 4011 in: a firewall of this machine drops what its wire shows"
        else:
            text = f"{server} {asked} and does not answer"
            remedy = (
                f"switch the netboot answers of {server} off (it sends machines to its port 4011), "
                "or let it answer there"
            )
        return Finding(Kind.DHCP_UNANSWERED, text, remedy, {"server": server, "tries": tries})

    def requested(self, mac: str, address: str, server: str, file: str, now: float) -> Finding | None:
        """A TFTP read request to `server`. A finding where a machine that has our offer goes elsewhere."""
        track = self._of(mac)
        if server == self._ours:
            track.fetching, track.fetching_at, track.address = file, now, address
            return None
        if not self._has_offer(track, now):
            return None
        return Finding(
            Kind.LOADER_FOREIGN,
            f"takes {file} from {server}, not {track.offered} from us",
            f"switch the netboot answers of {server} off, or keep it off this network",
            {"server": server, "file": file, "offered": track.offered},
        )

    def sent(self, address: str, file: str, now: float) -> None:
        """The client at `address` has all of a file by TFTP from us."""
        self._sent[address] = (file, now)
        self._sent.move_to_end(address)
        if len(self._sent) > _MOST:
            self._sent.popitem(last=False)

    def solicited(self, mac: str, now: float) -> Finding | None:
        """Its firmware asks for a boot file by DHCPv6: it has given up what it was doing.

        Firmware that starts a loader hears of nothing else until the loader ends; a loader that runs asks
        for an address or a file of its own first.
        """
        track = self._of(mac)
        offered, fetched = track.offered if self._has_offer(track, now) else "", track.fetching
        whole = self._whole(track, now)
        track.offered = track.fetching = ""  # it asks again and again, and is told once
        if whole is not None and fetched.lower().endswith(".efi"):
            return Finding(
                Kind.LOADER_REFUSED,
                f"{fetched} was fetched whole and not started: refused by Secure Boot?",
                "use shim and GRUB, which are signed (guests with secure=on get them), "
                "or switch Secure Boot off",
                {"file": fetched, "seconds": round(now - whole, 3)},
            )
        if not offered:
            return None
        return Finding(
            Kind.DHCP_IPV6,
            f"asks for a boot file over IPv6: its firmware has given {offered} up",
            "",
            {"offered": offered},
        )

    def _whole(self, track: _Track, now: float) -> float | None:
        """When it had the whole of what it fetches, None where it has not or where that is long ago."""
        file, at = self._sent.get(track.address, ("", 0.0))
        sent = bool(file) and file == track.fetching and at >= track.fetching_at - _SKEW
        return at if sent and now - at <= _AT_ONCE else None

    @staticmethod
    def _has_offer(track: _Track, now: float) -> bool:
        return bool(track.offered) and now - track.offered_at <= _LATELY

    def _of(self, mac: str) -> _Track:
        track = self._tracks.setdefault(mac, _Track())
        self._tracks.move_to_end(mac)
        if len(self._tracks) > _MOST:
            self._tracks.popitem(last=False)
        return track
