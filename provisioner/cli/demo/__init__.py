"""`provisioner demo`: one real guest from power-on to login, on a network and a service of its own.

Comes in: nothing but this host.  Goes out: a guest to log into, and a summary of how it came to be.
Must not know: how anything is done: it asks the same API as every other command. Only what must be there
before a service is (a network), or after one died (its guests), is asked of libvirt itself.
"""
