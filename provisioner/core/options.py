"""virt-install's comma syntax: `size=4,pool=default`."""

from difflib import get_close_matches

from provisioner.core.errors import Invalid


def parse_suboptions(text: str, known: tuple[str, ...], option: str, *, first: str = "") -> dict[str, str]:
    """The pairs as a dict; a first word without `=` is the value of `first`.

    Raises Invalid naming the known keys, and the nearest one to a key that is not known.
    """
    keys = ", ".join(f"{key}=" for key in known)
    pairs: dict[str, str] = {}
    for number, part in enumerate(filter(None, text.split(","))):
        key, equals, value = part.partition("=")
        if not equals and first and number == 0:
            key, value = first, part
        elif not equals or key not in known or not value:
            raise Invalid(
                f"{option} {text!r}: {part!r} is not understood{_near(key, known)}; known are {keys}"
            )
        pairs[key] = value
    if not pairs:
        raise Invalid(f"{option} is empty; known are {keys}")
    return pairs


def chosen(pairs: dict[str, str], key: str, allowed: tuple[str, ...], option: str, default: str) -> str:
    """A suboption that takes one of a few words. Raises Invalid naming them."""
    value = pairs.get(key, default)
    if value not in allowed:
        near = _near(value, allowed)
        raise Invalid(f"{option}: {key}={value} is not known{near}; use {', '.join(filter(None, allowed))}")
    return value


def switch(pairs: dict[str, str], key: str, option: str, *, default: bool = False) -> bool:
    """A suboption that is on or off. Raises Invalid."""
    if key not in pairs:
        return default
    value = pairs[key].lower()
    if value not in ("on", "off", "yes", "no"):
        raise Invalid(f"{option}: {key}={pairs[key]} is neither on nor off")
    return value in ("on", "yes")


def _near(word: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(word, [name for name in known if name], 1, 0.6)
    return f" (did you mean {near[0]}?)" if near else ""
