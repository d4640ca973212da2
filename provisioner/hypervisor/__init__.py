"""The edge of libvirt, and the only room that imports it.

Comes in: plan steps, names.  Goes out: host facts, networks, pools, guests, domain events, our own errors.
Must not know: installs, profiles, tokens.
"""
