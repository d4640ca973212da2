"""From a bare libvirt host to N installed guests, unattended."""

__version__ = "0.1.0"
