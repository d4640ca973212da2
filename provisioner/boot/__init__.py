"""Who asks, and what do we answer: pure.

Comes in: a decoded DHCP question, the state of a machine, a base URL, what a wire showed of a machine.  Goes
out: a `Client`, an `Offer` or an `Ignore` with its reason, a loader's name, the text of a boot script or of a
recorded conversation, a `Finding` of what went wrong.
Must not know: sockets, the store, libvirt, the clock.
"""
