"""Two values of one field: whether they mean the same, and how their difference is told."""

from collections.abc import Iterator, Mapping, Sequence

from provisioner.core.errors import Invalid
from provisioner.core.guest import Disk, Nic, parse_boot
from provisioner.core.lab import Difference
from provisioner.core.machine import normalise_mac, normalise_uuid
from provisioner.core.source import normalise
from provisioner.lab.fields import Field
from provisioner.lab.secrets import secrets, told


def same(field: Field, one: object, other: object) -> bool:
    """Whatever the spelling."""
    return one == other or _plain(field, one) == _plain(field, other)


def differences(field: Field, old: object, new: object) -> Iterator[Difference]:
    """One for each entry of a map or list that differs, one for anything else; at least one."""
    pairs = list(_entries(field, old, new)) or [(field.name, old, new)]
    for path, before, after in pairs:
        yield Difference(path, told(before), told(after))


def _entries(field: Field, old: object, new: object) -> Iterator[tuple[str, object, object]]:
    if field.form == "map":
        before, after = _map(old), _map(new)
        shown = [secrets(field.name, values, secret=field.secret) for values in (before, after)]
        for key in dict.fromkeys([*before, *after]):
            if key not in before or key not in after or before[key] != after[key]:
                one, other = (_map(values).get(key) for values in shown)
                yield f"{field.name}.{key}", one, other
    elif field.form in ("lines", "options"):
        before_all, after_all = _list(old), _list(new)
        for number in range(max(len(before_all), len(after_all))):
            one, other = (texts[number] if number < len(texts) else None for texts in (before_all, after_all))
            if one != other:
                yield f"{field.name}[{number}]", one, other
    else:
        one, other = (
            secrets(field.name, value, secret=field.secret) if value else value for value in (old, new)
        )
        yield field.name, one, other


def _map(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _plain(field: Field, value: object) -> object:
    """One spelling of all that mean the same; what is not understood stays as it is."""
    if value is None or (value in ("", (), [], {}) and field.default is not None):
        return None
    try:
        match field.name, value:
            case "disks", [*texts]:
                return [Disk.parse(str(text)) for text in texts]
            case "networks", [*texts]:
                return [Nic.parse(str(text)) for text in texts]
            case "mac", str(text):
                return normalise_mac(text)
            case "uuid", str(text):
                return normalise_uuid(text)
            case "boot", str(text):
                return parse_boot(text)
            case "source", str(text):
                return normalise(text)
            case _:
                return list(value) if isinstance(value, tuple) else value
    except Invalid:
        return value
