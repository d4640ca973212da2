"""Reads libvirt's own XML, and renders ours from `templates/libvirt/`."""

from xml.etree import ElementTree

from provisioner.resources import markup

Element = ElementTree.Element


def parse(text: str) -> Element:
    """The root element of what libvirt printed."""
    return ElementTree.fromstring(text)  # noqa: S314 - the daemon that runs our guests wrote it


def child_text(element: Element, path: str, default: str = "") -> str:
    """The text at `path`, `default` where there is none."""
    return (element.findtext(path) or "").strip() or default


def attribute(element: Element, path: str, name: str) -> str:
    """An attribute of the element at `path`, "" where there is none."""
    found = element.find(path)
    return "" if found is None else found.get(name, "")


def render(template: str, **context: object) -> str:
    """A template of `templates/libvirt/`, everything escaped."""
    return markup().get_template(f"libvirt/{template}.xml.j2").render(**context)
