"""The edge of sockets: ProxyDHCP on 67 and 4011, TFTP on 69, syslog, router advertisement, recordings.

Comes in: packets, and the callables that it is handed.  Goes out: packets, and events.
Must not know: libvirt, secrets, the store, how a decision is made.
"""
