"""The use cases: create, rebuild, delete a guest; follow an install; say why one stopped.

Comes in: requests as nouns.  Goes out: nouns, or one error with a remedy.
Must not know: HTTP, SQL, libvirt, sockets: they are behind `ports`.
"""
