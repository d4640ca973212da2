"""A plan in words, and without its secrets."""

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from markupsafe import escape

from provisioner.core.source import shown
from provisioner.plan.steps import (
    CopyNvram,
    CopyVolume,
    CreateVolume,
    DefineDomain,
    DeleteVolume,
    FetchFile,
    KeepNvram,
    LinkVolume,
    MakeSeed,
    Plan,
    PrepareImage,
    ResizeVolume,
    RestoreNvram,
    SetAutostart,
    StageFile,
    StartDomain,
    Step,
    StopDomain,
    UndefineDomain,
    UploadVolume,
)

_GIB = 1024**3


def describe(step: Step) -> str:
    """One line for a person and for the journal; it holds no secret."""
    match step:
        case FetchFile():
            added = f", and add {', '.join(name for name, _ in step.inject)}" if step.inject else ""
            return f"fetch {step.path} of {shown(step.source)}{added}"
        case StageFile():
            where = ", if it is there," if step.optional else ""
            return f"keep {step.path} of {shown(step.source)}{where} for boot loaders"
        case MakeSeed():
            return f"pack {', '.join(name for name, _ in step.files)} into a volume labelled {step.label}"
        case PrepareImage():
            return f"unpack or convert the image {step.image} to qcow2"
        case CreateVolume():
            over = f" over {step.backing}" if step.backing else ""
            return (
                f"create volume {step.name} in pool {step.pool} ({_gib(step.capacity)}, {step.format}{over})"
            )
        case UploadVolume():
            kept = ", for every guest of this image" if step.shared else ""
            return f"upload {_name(step.file)} as volume {step.name} to pool {step.pool}{kept}"
        case LinkVolume():
            return f"create volume {step.name} in pool {step.pool} on the shared base {step.base}"
        case CopyVolume():
            return f"copy volume {step.source} in pool {step.pool} to {step.name}"
        case CopyNvram():
            return f"copy the variable store {step.source} for domain {step.name}"
        case KeepNvram():
            return f"keep the variable store of domain {step.name} as {step.volume} in pool {step.pool}"
        case RestoreNvram():
            return f"give domain {step.name} the variable store kept as {step.volume} in pool {step.pool}"
        case ResizeVolume():
            return f"resize volume {step.name} in pool {step.pool} to {_gib(step.capacity)}"
        case DeleteVolume():
            return f"delete volume {step.name} in pool {step.pool}"
        case DefineDomain():
            return f"{'redefine' if step.replaces else 'define'} domain {step.name} ({step.uuid})"
        case UndefineDomain():
            return f"remove domain {step.name} ({step.uuid}) with its variable store"
        case StopDomain():
            return f"power off domain {step.name}"
        case StartDomain():
            once = " into its first stage" if step.xml else ""
            fresh = " with a fresh variable store" if step.reset_nvram else ""
            return f"start domain {step.name}{once}{fresh}{', paused' if step.paused else ''}"
        case SetAutostart():
            return f"switch autostart of domain {step.name} {'on' if step.on else 'off'}"
        case _:
            assert_never(step)


def masked(plan: Plan, secrets: Iterable[str]) -> Plan:
    """The same plan with `***` wherever its XML or warnings hold one of `secrets`, escaped or not."""
    hidden = sorted({text for secret in secrets if secret for text in (str(escape(secret)), secret)}, key=len)

    def mask(text: str) -> str:
        for secret in reversed(hidden):
            text = text.replace(secret, "***")
        return text

    steps = (
        replace(s, xml=mask(s.xml)) if isinstance(s, DefineDomain | StartDomain) else s for s in plan.steps
    )
    return replace(plan, steps=tuple(steps), warnings=tuple(map(mask, plan.warnings)))


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _gib(size: int) -> str:
    return f"{size / _GIB:.4g} GiB"
