"""The true use cases of networks on a libvirt host and segments in memory."""

from collections.abc import Sequence

from provisioner.service.checks import Checks
from provisioner.service.networks import Networks
from provisioner.service.ports import Store
from provisioner.service.repairs import Repairs
from provisioner.service.served import Served
from provisioner.service.snippets import Snippets
from provisioner.web.services import NetworkCases
from tests.segments import FakeNetworkHost, FakeSegments

MAC = "52:54:00:00:00:99"


def network_cases(store: Store, host: FakeNetworkHost, segments: FakeSegments) -> NetworkCases:
    """Served is what was repaired alone."""

    def addresses(patterns: Sequence[str]) -> dict[str, str]:
        found = {name: text.partition("/")[0] for name, text in segments.addresses.items()}
        return {name: address for name, address in found.items() if name in patterns}

    served = Served([], addresses)
    return NetworkCases(
        Networks(lambda uri: host, segments),
        Checks(lambda uri: host, segments, served, ()),
        Repairs(store, lambda uri: host, segments, served, lambda: MAC, 8080),
        Snippets(lambda uri: host, served, 8080),
    )
