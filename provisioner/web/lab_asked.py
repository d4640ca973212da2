"""From an item of a lab to what it asks for, by the models of the API's own requests."""

from collections.abc import Callable, Mapping

from provisioner.core.errors import Invalid
from provisioner.core.lab import Item, LabKind, Place
from provisioner.core.profile import Profile
from provisioner.service.lab_asked import Asked, CloneAsked, HostAsked, ImageAsked, TreeAsked
from provisioner.web.api_trees import wanted
from provisioner.web.schemas import In, NewImage, ProfileBody, parse
from provisioner.web.schemas_guest import NewGuest
from provisioner.web.schemas_hosts import NewHost
from provisioner.web.schemas_life import NewClone
from provisioner.web.schemas_networks import NewNetwork
from provisioner.web.schemas_storage import NewPool
from provisioner.web.schemas_trees import NewTree


def asked(item: Item) -> Asked:
    """Raises Invalid with the line of the file."""
    body: dict[str, object] = {"name": item.ref.name, **item.wanted}
    try:
        if item.ref.kind == "guest" and "clone" in body:
            return _clone(str(body.pop("clone")), parse(NewClone, body))
        if item.ref.kind == "guest":
            body["connect"] = item.on
        model, make = _KINDS[item.ref.kind]
        return make(parse(model, body))
    except Invalid as error:
        raise Invalid(f"{_where(item.place)}{item.ref}: {error}", remedy=error.remedy) from None


def _where(place: Place) -> str:
    return f"line {place.line}, column {place.column}: " if place.line else ""


def _clone(source: str, body: In) -> CloneAsked:
    assert isinstance(body, NewClone)  # noqa: S101 - for the type alone
    return CloneAsked(body.name, source, linked=body.kind == "linked", start=body.start)


def _host(body: NewHost) -> Asked:
    return HostAsked(body.name, body.uri, body.allow_unsafe)


def _tree(body: NewTree) -> Asked:
    return TreeAsked(body.name, body.source, wanted(body), body.mirrors, body.key)


def _image(body: NewImage) -> Asked:
    return ImageAsked(body.name, body.tune, body.mirror)


def _profile(body: ProfileBody) -> Asked:
    return Profile(**body.model_dump())


_KINDS: Mapping[LabKind, tuple[type[In], Callable[..., Asked]]] = {
    "host": (NewHost, _host),
    "network": (NewNetwork, NewNetwork.spec),
    "pool": (NewPool, NewPool.spec),
    "tree": (NewTree, _tree),
    "image": (NewImage, _image),
    "profile": (ProfileBody, _profile),
    "guest": (NewGuest, NewGuest.request),
}
