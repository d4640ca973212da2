"""The API's models: what it takes (validated, unknown fields refused) and what it gives.

The same models are the schemas of the OpenAPI document.
"""

from dataclasses import fields
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from provisioner.core.errors import Invalid
from provisioner.core.firmware import Dialect
from provisioner.core.host import Network, Pool
from provisioner.core.install import Event, Install
from provisioner.core.machine import Machine
from provisioner.core.profile import Image, Profile, ToldTree, Tree
from provisioner.plan.describe import describe
from provisioner.plan.steps import Plan
from provisioner.service.requests import Creation, Guest
from provisioner.web.outlooks import InstallOut

Name = Annotated[str, Field(min_length=1, max_length=63, examples=["web1"])]
Line = Annotated[str, Field(max_length=2000)]
Text = Annotated[str, Field(max_length=512 * 1024)]


MOST = 1000
"""Guests of one request."""


class In(BaseModel):
    """A request's body. Types are taken as they are: "1" is no number, 1 is no text."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Out(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid")


class Switch(In):
    """On or off."""

    on: bool


class NewName(In):
    name: Name


class ProfileBody(In):
    """A profile to be kept."""

    name: Name
    family: Line
    tree: Line
    template: Text = Field(
        "", description="its name, or, where it holds a line break, itself; empty: the family's own"
    )
    release: Line = ""
    kernel_args: Line = ""
    image: Line = ""
    memory: int = Field(1024, description="MiB")
    vcpus: int = 1
    disk: float = Field(4, description="GiB")
    variables: dict[str, object] = Field(default_factory=dict)
    summary: Line = ""


class ProfileChange(In):
    """The fields of a profile that are to be changed; what is left out stays. A name cannot change."""

    name: Name | None = None
    family: Line | None = None
    tree: Line | None = None
    template: Text | None = None
    release: Line | None = None
    kernel_args: Line | None = None
    image: Line | None = None
    memory: int | None = None
    vcpus: int | None = None
    disk: float | None = None
    variables: dict[str, object] | None = None
    summary: Line | None = None


class VariableOut(Out):
    """`origin` is `host NAME`, `profile NAME`, `guest NAME` or `default`. Secrets are ***."""

    name: str
    value: object
    origin: str
    text: str = Field(description="what it does; empty for a name that only one's own templates know")


class Variables(Out):
    """The variables of a profile, as its guests have them."""

    variables: list[VariableOut]


class NewImage(In):
    name: Name
    tune: bool = Field(False, description="for emulated guests: mitigations off, slow units masked")
    mirror: Line = Field("", description="package mirror; empty: the host's own source")


class NewMachine(In):
    name: Name
    mac: Line
    uuid: Line = ""
    profile: Line = ""
    loader: Dialect = Field("ipxe", description="what the firmware is given first for the profile's install")


class MachineInstall(In):
    profile: Name
    name: Name | None = Field(None, description="what a machine that had no install is called from now on")
    loader: Dialect | None = Field(
        None, description="what the firmware is given first; as at its last install, at first iPXE"
    )


class AnswerText(In):
    """An answer file's template, to be rendered or checked without a guest."""

    text: Text
    family: Line
    release: Line = ""
    variables: dict[str, object] = Field(default_factory=dict)


class Address(Out):
    """Where a guest is reached and how that is known."""

    ip: str
    source: str = Field(serialization_alias="from", description="report, lease, neighbour, answer or forward")
    port: int = Field(description="of its ssh")


class GuestOut(Out):
    """A domain; `ours` where this service created it, and only then it is ever touched."""

    name: str
    uuid: str
    state: str
    ours: bool
    memory: int = Field(description="MiB")
    vcpus: int
    autostart: bool
    mac: str
    profile: str
    install: InstallOut | None
    address: Address | None
    ssh: str | None = Field(description="how to log in, where an address is known")
    host: str = Field("", description="libvirt URI of its host; empty: the configured one")
    screen: bool = Field(False, description="whether it has a screen")

    @classmethod
    def of(cls, guest: Guest) -> "GuestOut":
        found = guest.address
        values = {item.name: getattr(guest, item.name) for item in fields(guest)}
        values["address"] = Address(ip=found.ip, source=found.source, port=found.port) if found else None
        values["install"] = InstallOut.of(guest.install) if guest.install else None
        return cls(**values)


class PlanOut(Out):
    """What will be done, in order; secrets are ***."""

    steps: list[str]
    warnings: list[str]
    xml: str
    first_xml: str = Field("", description="what the first stage is started with, where that differs")

    @classmethod
    def of(cls, plan: Plan) -> "PlanOut":
        return cls(
            steps=[describe(step) for step in plan.steps],
            warnings=list(plan.warnings),
            xml=plan.xml,
            first_xml=plan.first_xml,
        )


class Planned(Out):
    plan: PlanOut


class Created(Out):
    install: InstallOut
    guest: GuestOut
    plan: PlanOut

    @classmethod
    def of(cls, made: Creation) -> "Created":
        install = InstallOut.of(made.install)
        return cls(install=install, guest=GuestOut.of(made.guest), plan=PlanOut.of(made.plan))


class MachineOut(Out):
    """A machine and its latest install."""

    machine: Machine
    install: InstallOut | None


class WhyOut(Out):
    """Where an install stands, what happened last, what is missing and the likely cause.

    `diagnosis` is its name in the catalogue of diagnoses, `paragraph` all of it in words; `evidence` are the
    events that it is told from, oldest first; `kept` what was kept of it at its end, `log`, `serial` and
    `screen`, in bytes.
    """

    install: str
    stage: str
    last: Event | None
    missing: str
    cause: str
    remedy: str
    diagnosis: str
    paragraph: str
    evidence: list[Event]
    kept: dict[str, int]


class XmlOut(Out):
    xml: str


class TextOut(Out):
    text: str


class FindingOut(Out):
    """One thing that a check found. Line and column count from 1; 0 is not known."""

    line: int
    column: int
    text: str
    warning: bool = Field(description="worth a look, and no reason not to serve it")
    template: str = Field(description="the template that wrote the line; empty: not known")
    template_line: int


class Findings(Out):
    """What a check found; empty is good."""

    findings: list[FindingOut]


class ProfilePreview(Findings):
    """The answer file of a guest that does not exist, its secrets as ***."""

    text: str


class LoginUrl(Out):
    """Good once, for ten minutes."""

    url: str


class Done(Out):
    """What was done, as a sentence for a person."""

    done: str


class ProblemOut(Out):
    """How every error is told (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    remedy: str


ADAPTERS: dict[type, TypeAdapter[object]] = {
    kind: TypeAdapter(kind)
    for kind in (Event, InstallOut, Profile, Tree, ToldTree, Image, Machine, Network, Pool)
}


def to_json(value: object) -> str:
    """A noun of ours, or a model, as JSON; times in ISO 8601."""
    if isinstance(value, BaseModel):
        return value.model_dump_json(by_alias=True)
    if isinstance(value, Install):
        value = InstallOut.of(value)
    return ADAPTERS[type(value)].dump_json(value).decode()


def to_data(value: object) -> object:
    """The same as plain JSON values."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, list | tuple):
        return [to_data(item) for item in value]
    if isinstance(value, Install):
        value = InstallOut.of(value)
    return ADAPTERS[type(value)].dump_python(value, mode="json")


def parse(model: type[In], data: object) -> In:
    """The body as its model. Raises Invalid with one sentence that names the field."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise Invalid(sentence(model, error)) from None


def sentence(model: type[BaseModel], error: ValidationError) -> str:
    """The first fault of a body, for a person."""
    first = error.errors(include_url=False, include_context=True, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "body"
    match first["type"]:
        case "missing":
            return f"{field} is missing"
        case "extra_forbidden":
            return f"{field} is not a field of this; known are {', '.join(model.model_fields)}"
        case "literal_error":
            return f"{field} must be one of {first['ctx']['expected']}"
        case _:
            words = first["msg"].removeprefix("Input ")
            return f"{field}: {words[0].lower()}{words[1:]}"
