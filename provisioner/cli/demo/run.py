"""The demo's steps, one after the other, each told with what it took."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import click

from provisioner.cli.api import Api
from provisioner.cli.demo import service, summary
from provisioner.cli.demo.clean import clean
from provisioner.cli.demo.guest import RUNS, Run, install, provide_image, provide_tree
from provisioner.cli.demo.site import Site, free_ports, free_subnet
from provisioner.cli.demo.summary import step
from provisioner.cli.endpoint import read
from provisioner.cli.output import size
from provisioner.core.errors import Denied, ProvisionerError, Unavailable

_EMULATED = "12 to 30 minutes where KVM is missing"


class Demo:
    """Everything that one run needs to know. `installer` is "" where the host decides."""

    def __init__(self, site: Site, uri: str, *, installer: str, mirror: str) -> None:
        self.site, self.uri, self.installer, self.mirror = site, uri, installer, mirror
        self.kvm = False

    def run(self) -> None:
        """Raises what goes wrong; what was made until then is for the caller to remove."""
        if clean(self.site, self.uri, everything=False):
            step("cleaned", "what an earlier demo had left up; its images are kept")
        self._build_installer()
        address = asyncio.run(self._make_network())
        api = self._start_service(address)
        ended = []
        if self.installer != "debian-installer":
            provide_image(api, tune=not self.kvm)
            ended.append(install(api, self.site, RUNS["image"]))
        second = self._second(api)
        if second is not None:
            ended.append(install(api, self.site, second))
        summary.closing(api, ended)
        if not self.installer and not self.kvm:
            click.echo(
                f"The real debian-installer takes {_EMULATED}, as here. To see it:\n"
                "  provisioner demo --installer debian-installer      (make demo DEMO=debian-installer)"
            )

    def _second(self, api: Api) -> Run | None:
        """The debian-installer's run: where it was asked for, and by itself where KVM makes it short."""
        run = RUNS["debian-installer"]
        if self.installer == "debian-installer":
            if not self.kvm:
                click.echo(f"The debian-installer takes {_EMULATED}, as here.\n")
            return provide_tree(api, run, self.mirror)
        if self.installer or not self.kvm:
            return None
        try:
            return provide_tree(api, run, self.mirror)
        except ProvisionerError as error:  # nobody asked for it: what was shown so far stands
            click.echo(f"\nThe debian-installer is left out: {error}.\n{error.remedy}")
            return None

    def _build_installer(self) -> None:
        from provisioner.media.mini import build_mini

        began = time.monotonic()
        tree = asyncio.run(build_mini(self.site.mini, self.site.state_dir / "cache"))
        boot = tree / "images" / "pxeboot"
        kernel, initrd = boot / "vmlinuz", boot / "initrd.img"
        files = f"kernel {size(kernel.stat().st_size)}, initrd {size(initrd.stat().st_size)}"
        step("installer", f"the mini installer: {files}", time.monotonic() - began)
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
        self.kvm, why = verdict
        step("kvm", why if self.kvm else f"{why}: guests are emulated", time.monotonic() - began)

    async def _make_network(self) -> str:
        from provisioner.hypervisor.connection import LibvirtHost

        host = LibvirtHost(self.uri)
        try:
            await host.open()
            taken = [address for network in await host.networks() for address in network.addresses]
            address = free_subnet(taken)
            await host.ensure_network(self.site.network, self.site.bridge, str(address), "nat", "")
        finally:
            await host.close()
        step("network", f"libvirt's {self.site.network}: NAT on {self.site.bridge}, {address.network}")
        return str(address.ip)

    def _start_service(self, address: str) -> Api:
        api_port, http_port, syslog_port = free_ports(3)
        settings: dict[str, Any] = {
            "state_dir": str(self.site.state_dir),
            "libvirt_uri": self.uri,
            "interfaces": [self.site.bridge, *_also_served()],
            "api_port": api_port,
            "http_port": http_port,
            "syslog_port": syslog_port,
        }
        seconds = service.start(self.site, settings)
        endpoint = read(self.site.state_dir)
        if endpoint is None:
            raise Unavailable("the demo's service wrote no api.json", remedy=f"read {self.site.log}")
        api = Api(endpoint)
        step("service", f"for guests at http://{address}:{http_port}, log {self.site.log}", seconds)
        click.echo(f"\n  dashboard  {api.post('login-keys')['url']}   (good once)\n")
        return api


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
