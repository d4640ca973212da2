"""The edge of install trees: one reader a protocol, several places of a tree, and a cache before them.

Comes in: a tree's source and a path below it.  Goes out: bytes, or a stream of them.
Must not know: guests, installs, which family a tree is of.
"""
