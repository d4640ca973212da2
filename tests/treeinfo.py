"""The `.treeinfo` of a tree that calls itself Rocky Linux 9.4, with what every reader of it needs."""

ROCKY = """[general]
name = Rocky Linux 9.4
family = Rocky Linux
version = 9.4
arch = x86_64

[images-x86_64]
kernel = images/pxeboot/vmlinuz
initrd = images/pxeboot/initrd.img
"""
