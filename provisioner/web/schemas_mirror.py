"""The API's models of the mirror: what is kept of trees, what a sync fetches, what a check found."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from provisioner.core.mirror import Checked
from provisioner.core.source import shown
from provisioner.service.mirror import TreeStatus, Verified
from provisioner.service.mirror_sync import Progress, SyncPlan
from provisioner.web.schemas import In, Line, Out


class SyncIn(In):
    """What to fetch ahead; nothing of these: what an installer reads before its packages."""

    full: bool = Field(False, description="every file that the tree's metadata names")
    profile: Line = Field("", description="the packages that this profile installs, with what they need")
    wait: bool = Field(True, description="tell how it goes; false: it goes on by itself")


class VerifyIn(In):
    tree: Line = Field("", description="empty: all of them")
    repair: bool = Field(False, description="drop what is broken and fetch it again")


class QuotaIn(In):
    size: int = Field(ge=0, description="bytes; 0: no limit of its own")


class CleanIn(In):
    days: float = Field(ge=0, description="what was not handed out for so long goes")


class UpstreamOut(Out):
    """A place that the tree is read from, as it does now."""

    url: str
    state: Literal["ok", "aside", "down"]
    since: datetime | None = Field(description="null: it was never otherwise")
    reason: str
    bytes: int = Field(description="that came from it since the service started")
    requests: int


class SyncOut(Out):
    """How far a sync is."""

    files: int
    of_files: int
    size: int = Field(description="bytes")
    of_size: int
    path: str = Field(description="the latest file")
    problem: str = Field(description="why that one could not be had")
    failed: int = Field(description="files that could not be had")

    @classmethod
    def of(cls, now: Progress) -> "SyncOut":
        return cls(
            files=now.files,
            of_files=now.of_files,
            size=now.size,
            of_size=now.of_size,
            path=now.path,
            problem=now.problem,
            failed=now.failed,
        )


class MirroredTree(Out):
    """What is kept of a tree, and how it is served. Requests and bytes count from the service's start."""

    name: str
    source: str
    cached: bool = Field(description="false: a tree of this host, of which nothing needs to be kept")
    files: int
    size: int = Field(description="bytes")
    verified: int = Field(description="files that the tree's metadata vouches for")
    unverified: int
    signed: dict[str, int] = Field(description="files by the key whose signature vouches for them")
    hits: int
    misses: int
    hit_rate: float | None = Field(description="0 to 1; null before the first request")
    served: int = Field(description="bytes")
    fetched: int = Field(description="bytes that came from upstreams")
    saved: int = Field(description="bytes that guests got and no upstream had to send")
    offline: bool
    pinned: bool
    quota: int = Field(description="bytes; 0: no limit of its own")
    upstreams: list[UpstreamOut]
    archive: str = Field(description="where it, or what has gone of it, is read from in place of its source")
    notes: list[str] = Field(description="what has to be said of it")
    sync: SyncOut | None

    @classmethod
    def of(cls, status: TreeStatus) -> "MirroredTree":
        tree, kept = status.tree, status.kept
        return cls(
            name=tree.name,
            source=shown(tree.source),
            cached=status.cached,
            files=kept.files,
            size=kept.size,
            verified=kept.verified,
            unverified=kept.files - kept.verified,
            signed=dict(kept.signed),
            hits=status.hits,
            misses=status.misses,
            hit_rate=status.hit_rate,
            served=status.served,
            fetched=status.fetched,
            saved=status.saved,
            offline=status.offline,
            pinned=tree.pinned,
            quota=tree.quota,
            upstreams=[
                UpstreamOut(
                    url=place.url,
                    state=place.state,
                    since=datetime.fromtimestamp(place.since, UTC) if place.since else None,
                    reason=place.reason,
                    bytes=place.bytes,
                    requests=place.requests,
                )
                for place in status.upstreams
            ],
            archive=status.archive,
            notes=list(status.notes),
            sync=SyncOut.of(status.sync) if status.sync else None,
        )


class MirrorOut(Out):
    offline: bool = Field(description="no upstream is asked for any tree")
    alarms: list[str] = Field(description="what somebody should see to")
    trees: list[MirroredTree]


class SyncPlanOut(Out):
    """What a sync fetches of a tree, and what is there already."""

    tree: str
    total_files: int
    total_bytes: int
    kept: int = Field(description="files that are there")
    files: int
    size: int = Field(description="bytes of those that the metadata tells the size of")
    unsized: int = Field(description="files that it does not tell the size of")
    seconds: float | None = Field(description="at the speed that was measured; null: none was")
    unresolved: list[str] = Field(description="names that no package of the tree has")

    @classmethod
    def of(cls, plan: SyncPlan) -> "SyncPlanOut":
        return cls(
            tree=plan.tree,
            total_files=plan.total_files,
            total_bytes=plan.total_bytes,
            kept=plan.kept,
            files=plan.files,
            size=plan.size,
            unsized=plan.unsized,
            seconds=None if plan.seconds is None else round(plan.seconds, 1),
            unresolved=list(plan.unresolved),
        )


class CheckedOut(Out):
    source: str
    path: str
    size: int
    verdict: Literal["sound", "broken", "unverified"]
    reason: str

    @classmethod
    def of(cls, item: Checked) -> "CheckedOut":
        return cls(
            source=item.source,
            path=item.path or item.place,
            size=item.size,
            verdict=item.verdict,
            reason=item.reason,
        )


class VerifiedOut(Out):
    """The sum of a check."""

    files: int
    size: int = Field(description="bytes that were read")
    sound: int
    unverified: int = Field(description="as they were kept, but nothing vouches for them")
    broken: int
    mended: int
    lost: int = Field(description="dropped, and not to be had again now")

    @classmethod
    def of(cls, total: Verified) -> "VerifiedOut":
        return cls(
            files=total.files,
            size=total.size,
            sound=total.sound,
            unverified=total.unverified,
            broken=total.broken,
            mended=total.mended,
            lost=total.lost,
        )


class Gone(Out):
    """What was removed."""

    files: int
    size: int = Field(description="bytes")
