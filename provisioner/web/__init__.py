"""The entry by HTTP: one application for guests, one for people.

Comes in: requests.  Goes out: scripts, answer files, tree files, JSON, pages, server-sent events.
Must not know: SQL, libvirt, sockets below HTTP.
"""
