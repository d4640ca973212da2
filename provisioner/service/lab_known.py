"""What is known of a thing that is there, in the fields and words of the request that would make it."""

from collections.abc import Mapping

from provisioner.core.errors import Invalid
from provisioner.core.guest import Disk, GuestSpec, Nic
from provisioner.core.host import Definition, Host, Network, Pool
from provisioner.core.network import NetworkSpec, Range, Reservation, subnet
from provisioner.core.profile import Image, Profile, Tree
from provisioner.core.source import normalise, shown
from provisioner.service.ports import GuestRow

Fields = Mapping[str, object]
_PLAIN = "tiny"
_HIDDEN = ("files", "cloud_init", "root_password_hash", "variables")
"""What is kept of them are hashes, or texts that nobody should see: taken for what the file says."""


def of_host(host: Host) -> Fields:
    return {"uri": host.uri, "allow_unsafe": host.allow_unsafe}


def of_network(network: Network, asked: Fields) -> Fields:
    """`asked` is what the file says: what means the same is told in its words."""
    known: dict[str, object] = {"autostart": network.autostart, "dhcp": network.dhcp}
    known["mode"] = "macvtap" if network.parents and not network.bridge else network.mode
    if known["mode"] in ("bridge", "macvtap"):
        known["dhcp"] = asked.get("dhcp", True)
    if asked.get("bridge"):
        known["bridge"] = network.bridge
    if asked.get("parents"):
        known["parents"] = list(network.parents)
    known |= _addresses(network, asked)
    return known


def _addresses(network: Network, asked: Fields) -> Fields:
    known: dict[str, object] = {}
    if text := str(asked.get("subnet", "")):
        spec = NetworkSpec(network.name, "isolated", subnet(text), dhcp=False)
        known["subnet"] = text if str(spec.own) in network.addresses else ", ".join(network.addresses)
    if text := str(asked.get("dhcp_range", "")):
        same = str(Range.parse(text)) in network.ranges
        known["dhcp_range"] = text if same else ", ".join(network.ranges)
    if isinstance(texts := asked.get("dhcp_hosts"), list) and texts:
        reserved = {tuple(row.split()) for row in network.reserved}
        wanted = {_words(Reservation.parse(str(text))) for text in texts}
        known["dhcp_hosts"] = texts if wanted == reserved else [",".join(row) for row in sorted(reserved)]
    return known


def _words(row: Reservation) -> tuple[str, ...]:
    return tuple(filter(None, (row.mac, str(row.address), row.name)))


def of_pool(pool: Pool, asked: Fields) -> Fields:
    known: dict[str, object] = {"kind": pool.kind, "autostart": pool.autostart}
    if path := str(asked.get("path", "")):
        known["path"] = path if path.rstrip("/") == pool.path.rstrip("/") else pool.path
    return known


def of_tree(tree: Tree, asked: Fields) -> Fields:
    """A source that is a system's name, or an ISO's, stands for the place that was found for it."""
    known: dict[str, object] = {}
    source = str(asked.get("source", ""))
    if "/" in source:
        known["source"] = source if _same_source(source, tree.source) else shown(tree.source)
    if isinstance(asked.get("mirrors"), list):
        known["mirrors"] = list(tree.mirrors)
    if asked.get("key"):
        known["key"] = tree.key
    return known


def _same_source(text: str, source: str) -> bool:
    try:
        return normalise(text) == source
    except Invalid:
        return False


def of_image(image: Image, asked: Fields) -> Fields:
    """Tuning means nothing to the image that has nothing to tune."""
    return {"tune": asked.get("tune", False) if image.name == _PLAIN else image.tuned}


def of_profile(profile: Profile, said: Fields, asked: Fields | None) -> Fields:
    """Passwords are kept as hashes: they are taken for what was asked for, or else for what the file says."""
    names = ("family", "tree", "template", "release", "kernel_args", "image", "memory", "vcpus", "disk")
    known: dict[str, object] = {name: getattr(profile, name) for name in (*names, "summary")}
    kept, new, old = profile.variables, _variables(said), _variables(asked or {})
    hashed = {name for name in (*new, *old) if f"{name}_hash" in kept or name == "users"}
    plain = {name: value for name, value in kept.items() if name.removesuffix("_hash") not in hashed}
    then = {**new, **old} if asked is None else old
    return known | {"variables": {**plain, **{name: then[name] for name in hashed if name in then}}}


def _variables(fields: Fields) -> Fields:
    found = fields.get("variables")
    return found if isinstance(found, Mapping) else {}


def of_guest(row: GuestRow, domain: Definition | None, asked: Fields, *, made: bool) -> Fields:
    """Of one that was made as a lab asked, what may be another since; of any other all there is."""
    known: dict[str, object] = {} if domain is None else {"autostart": domain.autostart}
    if made:
        return known | {"profile": row.spec.profile}
    spec = row.spec
    plain = ("profile", "method", "memory", "vcpus", "cpu", "osinfo", "loader", "rom", "graphics", "direct")
    known |= {name: getattr(spec, name) for name in (*plain, "extra_args", "mac", "uuid")}
    known |= {"boot": _boot(spec), "location": spec.tree, "cdrom": spec.iso}
    known |= {name: asked[name] for name in _HIDDEN if name in asked}
    known["ssh_keys"] = row.secrets.get("ssh_keys", "").splitlines()
    for name, told, same in (("disks", list(map(str, spec.disks)), _disks), ("networks", [], _cards)):
        if isinstance(texts := asked.get(name), list):
            known[name] = texts if same(spec, texts) else told
    if not asked.get("loader"):
        known.pop("loader")
    return known


def _boot(spec: GuestSpec) -> str:
    return f"{spec.boot},secure=on" if spec.secure else spec.boot


def _disks(spec: GuestSpec, texts: list[object]) -> bool:
    disks = [Disk.parse(str(text)) for text in texts]
    return [_disk(disk) for disk in disks] == [_disk(disk) for disk in spec.disks]


def _disk(disk: Disk) -> tuple[object, ...]:
    return disk.size, disk.pool, disk.bus, disk.volume


def _cards(spec: GuestSpec, texts: list[object]) -> bool:
    nics = [Nic.parse(str(text)) for text in texts]
    pairs = zip(nics, spec.nics, strict=False)
    return len(nics) == len(spec.nics) and all(
        (nic.kind, nic.source, nic.model) == (has.kind, has.source, has.model) and nic.mac in ("", has.mac)
        for nic, has in pairs
    )
