"""The nouns: machine, firmware, guest, profile, tree, install, URL.

Comes in: plain values.  Goes out: frozen values and the one transition table of an install.
Must not know: any library, file, socket, database or clock.
"""
