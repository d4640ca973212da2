"""Introduces edges and use cases to each other and runs them: the only room that names every concrete class.

Two processes: `service` has HTTP, libvirt and the watchdog; `netboot` is a child of its own, so that neither
rendering nor a slow libvirt delays a DHCP answer. They meet in the store.
"""
