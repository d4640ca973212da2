"""The demo's steps, one after the other, each told with what it took."""

import asyncio
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from provisioner.cli import image
from provisioner.cli.api import Api
from provisioner.cli.demo import mirror as mirrors
from provisioner.cli.demo import service, summary
from provisioner.cli.demo.clean import clean
from provisioner.cli.demo.login import Inside, look_inside, make_key
from provisioner.cli.demo.site import BRIDGE, NETWORK, Site, free_ports, free_subnet
from provisioner.cli.endpoint import read
from provisioner.cli.output import size
from provisioner.cli.timeline import duration
from provisioner.cli.watch import until_installed
from provisioner.core.errors import Denied, Unavailable

_IMAGE = "debian12"
_UNSIGNED = "debian13-unsigned"
_EMULATED = "12 to 30 minutes where KVM is missing"


@dataclass(frozen=True, slots=True)
class Run:
    """One guest of the demo: what is installed on it, and how long its login may take after that."""

    guest: str
    profile: str
    memory: int
    patience: float


_RUNS = {
    "image": Run("demo1", "debian12-image", 768, 300),
    "debian-installer": Run("demo2", "debian13", 1024, 900),
}


class Demo:
    """Everything that one run needs to know. `installer` is "" where the host decides."""

    def __init__(self, site: Site, uri: str, *, installer: str, mirror: str) -> None:
        self.site, self.uri, self.installer, self.mirror = site, uri, installer, mirror
        self.kvm = False

    def run(self) -> None:
        """Raises what goes wrong; what was made until then is for the caller to remove."""
        if clean(self.site, self.uri, everything=False):
            _step("cleaned", "what an earlier demo had left up; its images are kept")
        self._build_installer()
        address = asyncio.run(self._make_network())
        api = self._start_service(address)
        ended = [self._install(api, _RUNS[name]) for name in self._installers()]
        for item, inside in ended:
            summary.inside(item["guest"], inside)
        summary.closing(api, [item for item, _ in ended], [inside for _, inside in ended], self.kvm)
        if not self.installer and not self.kvm:
            click.echo(
                f"The real debian-installer takes {_EMULATED}, as here. To see it:\n"
                "  provisioner demo --installer debian-installer      (make demo DEMO=debian-installer)"
            )

    def _installers(self) -> list[str]:
        if self.installer:
            return [self.installer]
        return ["image", "debian-installer"] if self.kvm else ["image"]

    def _build_installer(self) -> None:
        from provisioner.media.mini import build_mini

        began = time.monotonic()
        tree = asyncio.run(build_mini(self.site.mini, self.site.state_dir / "cache"))
        boot = tree / "images" / "pxeboot"
        kernel, initrd = boot / "vmlinuz", boot / "initrd.img"
        files = f"kernel {size(kernel.stat().st_size)}, initrd {size(initrd.stat().st_size)}"
        _step("installer", f"the mini installer: {files}", time.monotonic() - began)
        self._prove_kvm(kernel, initrd)

    def _prove_kvm(self, kernel: Path, initrd: Path) -> None:
        """The verdict is left where the service looks for it: one proof does for both."""
        from provisioner.hypervisor.kvm import prove
        from provisioner.state import remember_proof, remembered_proof

        known = self.site.state_dir / "cache" / "kvm.json"
        began, verdict = time.monotonic(), remembered_proof(known)
        if verdict is None:
            verdict = asyncio.run(prove(self.uri, kernel, initrd, self.site.mini))
            remember_proof(known, verdict)
            _step("kvm", verdict[1], time.monotonic() - began)
        else:
            _step("kvm", f"{verdict[1]} (seen since this host was switched on)")
        self.kvm = verdict[0]

    async def _make_network(self) -> str:
        from provisioner.hypervisor.connection import LibvirtHost

        host = LibvirtHost(self.uri)
        try:
            await host.open()
            taken = [address for network in await host.networks() for address in network.addresses]
            address = free_subnet(taken)
            await host.ensure_network(NETWORK, BRIDGE, str(address), "nat", "")
        finally:
            await host.close()
        _step("network", f"libvirt's {NETWORK}: NAT on {BRIDGE}, {address.network}")
        return str(address.ip)

    def _start_service(self, address: str) -> Api:
        api_port, http_port, syslog_port = free_ports(3)
        settings: dict[str, Any] = {
            "state_dir": str(self.site.state_dir),
            "libvirt_uri": self.uri,
            "interfaces": [BRIDGE, *_also_served()],
            "api_port": api_port,
            "http_port": http_port,
            "syslog_port": syslog_port,
        }
        seconds = service.start(self.site, settings)
        endpoint = read(self.site.state_dir)
        if endpoint is None:
            raise Unavailable("the demo's service wrote no api.json", remedy=f"read {self.site.log}")
        api = Api(endpoint)
        _step("service", f"for guests at http://{address}:{http_port}, log {self.site.log}", seconds)
        click.echo(f"\n  dashboard   {api.post('login-keys')['url']}   (good once)\n")
        return api

    def _install(self, api: Api, run: Run) -> tuple[dict[str, Any], Inside]:
        if run.profile == "debian12-image":
            self._provide_image(api)
        else:
            run = self._provide_tree(api, run)
        guest = self._create(api, run)
        until_installed(api, guest["install"]["id"])
        click.echo(f"\nlogging into {run.guest} …", err=True)
        inside = look_inside(api, run.guest, patience=run.patience)
        if inside.answer("install id") != guest["install"]["id"]:
            raise Unavailable(
                f"{run.guest} says that it is install {inside.answer('install id')!r}, "
                f"but {guest['install']['id']} was asked for"
            )
        return api.get("installs", guest["install"]["id"]), inside

    def _provide_image(self, api: Api) -> None:
        tune = not self.kvm
        kept = next((i for i in api.get("images") if i["name"] == _IMAGE and bool(i["tuned"]) == tune), None)
        began = time.monotonic()
        item = kept or image.run(api, _IMAGE, tune=tune)
        how = "kept from the last time" if kept else "built with mmdebstrap"
        tuned = ", tuned for emulation" if tune else ""
        what = f"{_IMAGE}: {size(item['size'])}, {size(item['unpacked'])} on disk, {how}{tuned}"
        _step("image", what, None if kept else time.monotonic() - began)

    def _provide_tree(self, api: Api, run: Run) -> Run:
        """The run itself, or one with a profile that takes a mirror without a signature."""
        if not self.kvm:
            click.echo(f"The debian-installer takes {_EMULATED}, as here.")
        source, remark = mirrors.find(self.mirror)
        if any(tree["name"] == "debian13" for tree in api.get("trees")):
            api.delete("trees", "debian13")
        found = api.post("trees", body={"name": "debian13", "source": source})
        _step("tree", f"debian13: {found['family']} {found['release']} from {source}")
        if remark:
            _step("", remark)
        if mirrors.signed(source):
            return run
        _step("", f"this mirror is not signed: profile {_UNSIGNED} tells the installer to take it so")
        if not any(profile["name"] == _UNSIGNED for profile in api.get("profiles")):
            api.post("profiles", run.profile, "copy", body={"name": _UNSIGNED})
        variables = api.get("profiles", run.profile)["variables"] | {"insecure_mirror": True}
        api.put("profiles", _UNSIGNED, body={"variables": variables})
        return replace(run, profile=_UNSIGNED)

    def _create(self, api: Api, run: Run) -> dict[str, Any]:
        uuid = _new_uuid()
        key = make_key(self.site.key(uuid), f"provisioner demo, {run.guest}")
        body = {
            "name": run.guest,
            "profile": run.profile,
            "memory": run.memory,
            "vcpus": min(2, os.cpu_count() or 1),
            "network": f"network={NETWORK}",
            "uuid": uuid,
            "ssh_keys": [key],
        }
        answer: dict[str, Any] = api.post("guests", body=body)
        _step("guest", f"{run.guest}: {body['memory']} MiB, {body['vcpus']} vCPUs, profile {run.profile}")
        for warning in answer.get("plan", {}).get("warnings", ()):
            click.echo(f"warning: {warning}", err=True)
        click.echo()
        return answer


def check_host(uri: str) -> None:
    """Raises the first thing that a demo cannot do without, with its remedy."""
    if os.geteuid() != 0:
        raise Denied(
            "the demo needs root: netboot opens ports below 1024 and raw sockets",
            remedy="sudo provisioner demo",
        )
    from provisioner.cli.probes import probe
    from provisioner.cli.serve import load
    from provisioner.service.doctor import examine

    needed = ("libvirt", "qemu", "loaders", "ipxe rom", "pool")
    facts = probe(load(libvirt_uri=uri), prove=False, say=lambda line: None)
    for check in examine(facts):
        if check.name in needed and check.verdict == "FAIL":
            raise Unavailable(check.reason, remedy="provisioner doctor --fix")


def _also_served() -> list[str]:
    """libvirt's own bridge where nobody serves it yet: so `network=default` works with the demo too."""
    from provisioner.cli.sockets import Door, is_free
    from provisioner.netboot.interfaces import addresses

    found = addresses(["virbr0"])
    doors = [Door("udp", address, port, "") for address in found.values() for port in (69, 4011)]
    return list(found) if all(map(is_free, doors)) else []


def _new_uuid() -> str:
    from uuid import uuid4

    return str(uuid4())


def _step(name: str, what: str, seconds: float | None = None) -> None:
    took = click.style(f"  {duration(seconds)}", dim=True) if seconds is not None else ""
    click.echo(f"{click.style(name.ljust(10), bold=True)}{what}{took}")
