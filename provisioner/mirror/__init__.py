"""The edge of install trees: their small files read, their large ones passed on, one reader a protocol.

Comes in: a tree's source and a path below it.  Goes out: bytes, or a stream of them.
Must not know: guests, installs, which family a tree is of.
"""
