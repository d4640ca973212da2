"""The models of trees: a source to be looked at, and how it was recognised."""

from typing import Literal

from pydantic import Field

from provisioner.web.schemas import In, Line, Name, Out, Text


class TreeQuestion(In):
    """A source, and what a person knows of it."""

    source: Line = Field(
        description="an absolute directory or ISO file, the name of an ISO in the media folders, "
        "or an http(s), ftp or nfs URL"
    )
    arch: Line = Field("", description="processor of a tree for several, as uname -m: x86_64, aarch64")
    family: Line = Field("", description="family of a tree that says nothing of itself")
    release: Line = Field("", description="release of a tree that says nothing of itself")
    verify: bool = Field(False, description="read the files that the tree has checksums of, wherever it is")


class NewTree(TreeQuestion):
    name: Name | Literal[""] = Field("", description="empty: the one it has, or one that its source gives")
    mirrors: list[Line] | None = Field(
        None, max_length=32, description="further http(s), ftp or nfs URLs of the same files; null: as it has"
    )
    key: Text | None = Field(None, description="armoured OpenPGP public keys that sign it; null: as it has")


class TreeProbe(Out):
    asked: str
    found: str
    says: str


class TreeExplained(Out):
    """What was asked of a source, and what came of it: a family, or a refusal with its remedy."""

    source: str
    probes: list[TreeProbe]
    requests: int
    family: str = ""
    release: str = ""
    arch: str = ""
    kernel: str = ""
    initrd: str = ""
    refusal: str = ""
    remedy: str = ""
