"""Sizes as people write them: `4G`, `512M`, `1.5T`, in powers of 1024 as qemu and virsh mean them."""

import re

import click

_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4, "p": 1024**5, "e": 1024**6}
_SIZE = re.compile(r"(\d{1,20}(?:\.\d{1,6})?)\s*([kmgtpe]?)(?:i?b)?", re.IGNORECASE)
_LEAST_BYTES = 1024 * 1024


class Size(click.ParamType[int]):
    """Bytes. A small number without a unit was meant in another one, and is refused."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = _SIZE.fullmatch(str(value).strip())
        if not found:
            self.fail(f"{value!r} is not a size; write it like 20G, 512M or 1.5T", param, ctx)
        number, unit = found.groups()
        if not unit and float(number) < _LEAST_BYTES:
            self.fail(f"{value!r} has no unit; write {number}G for GiB, {number}M for MiB", param, ctx)
        scale = _UNITS[unit.lower()]
        return round(float(number) * scale) if "." in number else int(number) * scale
