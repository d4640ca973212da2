"""From a request and its profile to the spec of a guest: texts parsed, what is left out filled in."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast
from urllib.parse import urlsplit

from provisioner.answers.secrets import hashed
from provisioner.answers.variables import Layer, checked, settle
from provisioner.core.errors import Conflict, Invalid
from provisioner.core.firmware import DIALECTS, Dialect
from provisioner.core.guest import Disk, Graphics, GuestSpec, Method, Nic, parse_boot, with_macs
from provisioner.core.host import HostFacts
from provisioner.core.machine import normalise_mac, normalise_uuid
from provisioner.core.osinfo import parse_osinfo
from provisioner.core.profile import Profile
from provisioner.service.contexts import VARIABLES
from provisioner.service.ports import Store
from provisioner.service.requests import CreateGuest, Ids

_NIC, _SESSION_NIC = Nic("network", "default"), Nic("user", "")
MEMORY, _DISK = 1024, 8.0
"""Where no profile says more."""
_KEY = re.compile(r"(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]+( [^\r\n\0]*)?")
_HASH = re.compile(r"\$[A-Za-z0-9./$=,_-]+")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_CLOUD = ("user-data", "meta-data", "network-config")
_LARGEST = 512 * 1024
"""Bytes of the files that are added to an initrd."""


def method_of(request: CreateGuest) -> Method:
    """The method that is asked for, or that follows from what is given. Raises Invalid where two differ."""
    given = {"url": request.location, "iso": request.cdrom}
    follows = [method for method, text in given.items() if text]
    if len(follows) > 1:
        raise Invalid(f"guest {request.name}: --location and --cdrom are two different methods; give one")
    method = request.method or (follows[0] if follows else "pxe")
    if follows and method != follows[0]:
        option = {"url": "--location", "iso": "--cdrom"}[follows[0]]
        raise Invalid(f"guest {request.name}: {option} does not go with the method {method}")
    if method in given and not follows and (method == "iso" or not request.profile):
        option = {"url": "--location TREE", "iso": "--cdrom FILE"}[method]
        raise Invalid(f"guest {request.name}: the method {method} needs {option}")
    for option, asked, owner in (
        ("--direct", request.direct, "url"),
        ("--initrd-inject", bool(request.files), "url"),
        ("--cloud-init", request.cloud_init is not None, "import"),
    ):
        if asked and method != owner:
            raise Invalid(f"guest {request.name}: {option} is for the method {owner}, not for {method}")
    return cast(Method, method)


def gives_mac(request: CreateGuest) -> bool:
    """Whether an address is asked for that somebody's domain may have; ours are chosen where nobody is."""
    return bool(request.mac) or any("mac=" in text for text in request.networks)


async def spec_of(
    request: CreateGuest, profile: Profile | None, method: Method, host: HostFacts, store: Store, ids: Ids
) -> GuestSpec:
    """Raises Invalid for the first text that is wrong. A MAC address is chosen for each card without one."""
    boot, secure = parse_boot(request.boot)
    if request.graphics not in ("", "none", "vnc"):
        raise Invalid(f"guest {request.name}: --graphics {request.graphics} is not known; use vnc or none")
    loader = _loader(request, method)
    attended = not profile and method == "iso"
    return GuestSpec(
        name=request.name,
        profile=profile.name if profile else "",
        uuid=normalise_uuid(request.uuid) if request.uuid else ids.uuid(),
        memory=_first(request.memory, profile.memory if profile else MEMORY),
        vcpus=_first(request.vcpus, profile.vcpus if profile else 1),
        disks=_disks(request, profile, method),
        nics=await _nics(request, host, store, ids),
        boot=boot,
        secure=secure,
        loader=loader,
        rom=request.rom and not secure and loader != "grub",
        cpu=request.cpu,
        osinfo=parse_osinfo(request.osinfo) if request.osinfo else "",
        graphics=cast(Graphics, request.graphics or ("vnc" if attended else "none")),
        method=method,
        direct=request.direct,
        cloud_init=request.cloud_init is not None,
        extra_args=request.extra_args,
        autostart=request.autostart,
        start=request.start,
    )


def _loader(request: CreateGuest, method: Method) -> Dialect:
    if request.loader and method != "pxe":
        raise Invalid(
            f"guest {request.name}: --loader is for a guest that netboots, not for the method {method}"
        )
    if request.loader not in ("", *DIALECTS):
        raise Invalid(
            f"guest {request.name}: --loader {request.loader} is not known; use {', '.join(DIALECTS)}"
        )
    return cast(Dialect, request.loader or DIALECTS[0])


def secrets_of(request: CreateGuest) -> dict[str, str]:
    """What a guest is given beside its spec. A text that could break out of its line is refused."""
    for number, key in enumerate(request.ssh_keys, 1):
        if not _KEY.fullmatch(key.strip()):
            raise Invalid(
                f"guest {request.name}: SSH key {number} is not a public key",
                remedy="give the line of a .pub file: ssh-ed25519 AAAA… comment",
            )
    hashed = request.root_password_hash
    if hashed and not _HASH.fullmatch(hashed):
        raise Invalid(
            f"guest {request.name}: the root password is not a crypt(3) hash",
            remedy="make one with: openssl passwd -6",
        )
    keys = "\n".join(key.strip() for key in request.ssh_keys)
    given = {"root_password_hash": hashed, "ssh_keys": keys}
    if request.variables:
        given[VARIABLES] = json.dumps(_variables(request))
    given |= _cloud(request.name, request.cloud_init or {}) | _files(request.name, request.files)
    return {name: value for name, value in given.items() if value}


def check_answered(request: CreateGuest, profile: Profile | None) -> None:
    """Raises Invalid for variables of an answer file where there is none."""
    if request.variables and profile is None:
        raise Invalid(
            f"guest {request.name}: --var is for a profile's answer file, and there is no profile",
            remedy="add --profile, or leave --var out",
        )


def _variables(request: CreateGuest) -> dict[str, object]:
    """The guest's own, passwords as their hashes. Raises Invalid for one that could not be used."""
    values = hashed(request.variables)
    checked(settle([Layer(f"guest {request.name}", values)]))
    return values


def _disks(request: CreateGuest, profile: Profile | None, method: Method) -> tuple[Disk, ...]:
    if not request.disks:
        if method == "import":
            raise Invalid(
                f"guest {request.name}: an import needs its disk image",
                remedy="write --import --disk IMAGE",
            )
        return (Disk(profile.disk if profile else _DISK),)
    disks = tuple(Disk.parse(text) for text in request.disks)
    for number, disk in enumerate(disks):
        if disk.image and (method != "import" or number):
            raise Invalid(
                f"guest {request.name}: --disk {disk.image} is a disk image, which only the first disk of an "
                "import is made from",
                remedy="add --import, or write vol=POOL/VOLUME for a volume that exists",
            )
        if method == "pxe" and disk.volume and not number:
            raise Invalid(
                f"guest {request.name}: a volume that exists boots what is on it before it asks the network",
                remedy="let a disk be made (--disk size=…), or take --import, --location or --cdrom",
            )
        empty = not (disk.image or disk.volume)
        if method == "import" and not number and empty and request.start != "off":
            raise Invalid(
                f"guest {request.name}: the first disk of an import is a disk image or an existing volume",
                remedy="write --disk IMAGE, or --disk vol=POOL/VOLUME; an empty disk goes with --noreboot",
            )
    return disks


async def _nics(request: CreateGuest, host: HostFacts, store: Store, ids: Ids) -> tuple[Nic, ...]:
    nics = tuple(Nic.parse(text) for text in request.networks) or (_SESSION_NIC if host.session else _NIC,)
    if request.mac:
        nics = (replace(nics[0], mac=normalise_mac(request.mac)), *nics[1:])
    macs: list[str] = []
    for nic in nics:
        macs.append(await _free(request.name, nic.mac, macs, store, ids))
    if nics[0].kind == "user" and not urlsplit(host.uri).hostname:
        nics = (replace(nics[0], forward=await free_forward(store, ids)), *nics[1:])
    return with_macs(nics, tuple(macs))


async def free_forward(store: Store, ids: Ids) -> int:
    """A port for a guest's ssh: free now, and no other guest's that may only be switched off."""
    held = {row.spec.nic.forward for row in await store.guests()}
    while (port := ids.port()) in held and port:
        pass
    return port


async def _free(name: str, given: str, others: Sequence[str], store: Store, ids: Ids) -> str:
    """The address for a card, the given one or one that nobody has. Raises Conflict for what is taken.

    Who comes first is decided when the guest is written down; this is for who comes late.
    """
    while True:
        mac = given or ids.mac()
        taken = await store.machine(mac=mac, name=name)
        if taken is None and (given or mac not in others):
            return mac
        if taken is not None and (given or taken.name == name):
            raise Conflict(
                f"{name if taken.name == name else mac} is taken by "
                f"{'guest' if taken.guest else 'machine'} {taken.name}",
                remedy="choose another name or MAC, or remove that one first",
            )


def _cloud(guest: str, texts: Mapping[str, str]) -> dict[str, str]:
    for name in texts:
        if name not in _CLOUD:
            raise Invalid(f"guest {guest}: cloud-init knows no {name}; known are {', '.join(_CLOUD)}")
    return dict(texts)


def _files(guest: str, files: Mapping[str, str]) -> dict[str, str]:
    size = 0
    for name, content in files.items():
        if not _FILE.fullmatch(name):
            raise Invalid(f"guest {guest}: {name!r} is no name for a file in an initrd")
        try:
            size += len(base64.b64decode(content, validate=True))
        except (ValueError, binascii.Error):
            raise Invalid(f"guest {guest}: the content of {name} is not base64") from None
    if size > _LARGEST:
        raise Invalid(f"guest {guest}: the files for the initrd are larger than {_LARGEST // 1024} KiB")
    return {f"inject:{name}": content for name, content in files.items()}


def _first(asked: int | None, otherwise: int) -> int:
    return otherwise if asked is None else asked
