"""Bars of the TFTP figures as plain SVG."""

from collections.abc import Mapping
from html import escape
from pathlib import Path

_BAR, _GAP, _LEFT, _WIDTH = 22, 8, 110, 460
_COLOURS = {"ours": "#2a6f97"}
_OTHER = "#b0b7bd"


def plot(path: Path, title: str, groups: Mapping[str, Mapping[str, float]]) -> None:
    """A group of bars for each row, each bar as long as its value is of the greatest."""
    greatest = max((value for bars in groups.values() for value in bars.values()), default=0) or 1
    shapes, y = [_text(10, 22, title, 15)], 44
    for heading, bars in groups.items():
        shapes.append(_text(10, y + 12, heading, 13))
        y += 24
        for name, value in bars.items():
            length = value / greatest * _WIDTH
            colour = _COLOURS.get(name, _OTHER)
            shapes.append(_text(10, y + 16, name))
            shapes.append(f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR}" fill="{colour}"/>')
            shapes.append(_text(_LEFT + length + 6, y + 16, f"{value:.2f}"))
            y += _BAR + _GAP
        y += 12
    size = f'width="{_LEFT + _WIDTH + 70}" height="{y}"'
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">\n'
        '<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(shapes) + "\n</svg>\n"
    )


def _text(x: float, y: float, text: str, size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}">{escape(text)}</text>'
