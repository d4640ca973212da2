"""A guest of the demo: what it is installed from, how it is asked for, and the login that proves it."""

import os
import time
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import click

from provisioner.cli import image
from provisioner.cli.api import Api
from provisioner.cli.demo import mirror as mirrors
from provisioner.cli.demo.login import Inside, look_inside, make_key
from provisioner.cli.demo.site import Site
from provisioner.cli.demo.summary import step
from provisioner.cli.output import size
from provisioner.cli.watch import until_installed
from provisioner.core.errors import Unavailable

IMAGE = "debian12"
_TREE = "debian13"
_UNSIGNED = "debian13-unsigned"


@dataclass(frozen=True, slots=True)
class Run:
    """What is installed on which guest, and how many seconds its login may take after that."""

    guest: str
    profile: str
    memory: int
    patience: float


RUNS = {
    "image": Run("demo1", "debian12-image", 768, 300),
    "debian-installer": Run("demo2", "debian13", 1024, 900),
}


def provide_image(api: Api, *, tune: bool) -> None:
    """Has the image built, unless one is there that was built the same way."""
    kept = next((i for i in api.get("images") if i["name"] == IMAGE and bool(i["tuned"]) == tune), None)
    began = time.monotonic()
    item = kept or image.run(api, IMAGE, tune=tune)
    how = "kept from the last time" if kept else "built with mmdebstrap"
    tuned = ", tuned for emulation" if tune else ""
    what = f"{IMAGE}: {size(item['size'])}, {size(item['unpacked'])} on disk, {how}{tuned}"
    step("image", what, None if kept else time.monotonic() - began)


def provide_tree(api: Api, run: Run, mirror: str) -> Run:
    """Adds the mirror as a tree; gives the run, with a profile that takes a mirror without a signature."""
    source, remark = mirrors.find(mirror)
    if any(tree["name"] == _TREE for tree in api.get("trees")):
        api.delete("trees", _TREE)
    found = api.post("trees", body={"name": _TREE, "source": source})
    step("tree", f"{_TREE}: {found['family']} {found['release']} from {source}")
    if remark:
        step("", remark)
    if mirrors.signed(source):
        return run
    step("", f"this mirror is not signed: profile {_UNSIGNED} tells the installer to take it so")
    if not any(profile["name"] == _UNSIGNED for profile in api.get("profiles")):
        api.post("profiles", run.profile, "copy", body={"name": _UNSIGNED})
    variables = api.get("profiles", run.profile)["variables"] | {"insecure_mirror": True}
    api.put("profiles", _UNSIGNED, body={"variables": variables})
    return replace(run, profile=_UNSIGNED)


def install(api: Api, site: Site, run: Run) -> tuple[dict[str, Any], Inside]:
    """From the request to the login; gives the install and what was seen inside."""
    run = replace(run, guest=site.name(run.guest))
    asked = _create(api, site, run)["install"]["id"]
    until_installed(api, asked)
    click.echo(f"\nlogging into {run.guest} …", err=True)
    inside = look_inside(api, run.guest, patience=run.patience)
    if (said := inside.answer("install id")) != asked:
        raise Unavailable(f"{run.guest} says that it is install {said!r}, but {asked} was asked for")
    return api.get("installs", asked), inside


def _create(api: Api, site: Site, run: Run) -> dict[str, Any]:
    uuid = str(uuid4())
    body = {
        "name": run.guest,
        "profile": run.profile,
        "memory": run.memory,
        "vcpus": min(2, os.cpu_count() or 1),
        "networks": [f"network={site.network}"],
        "uuid": uuid,
        "ssh_keys": [make_key(site.key(uuid), f"provisioner demo, {run.guest}")],
    }
    answer: dict[str, Any] = api.post("guests", body=body)
    step("guest", f"{run.guest}: {body['memory']} MiB, {body['vcpus']} vCPUs, profile {run.profile}")
    click.echo()
    return answer
