"""The API's models of the board."""

from datetime import datetime

from pydantic import Field

from provisioner.core.install import Stage
from provisioner.web.schemas import Out


class RunOut(Out):
    """The latest install of a member, as far as a tile shows it."""

    id: str
    stage: Stage
    percent: int
    reason: str = ""
    created: datetime
    changed: datetime
    left_seconds: int | None = None
    left_least: int | None = None
    left_most: int | None = None
    slower: str = ""


class MemberOut(Out):
    """A guest, or a machine that has an install."""

    name: str
    kind: str = Field(description="guest or machine")
    state: str = Field(description="of its domain; empty for a machine")
    profile: str
    host: str
    lab: str
    address: str
    screen: bool = Field(description="whether it has a screen")
    install: RunOut | None = None


class BoardOut(Out):
    """The members by name. `after` is the event that they are told up to, 0 without installs."""

    after: int
    now: datetime
    members: list[MemberOut]
