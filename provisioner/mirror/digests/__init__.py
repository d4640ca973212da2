"""What a tree's metadata says of its files.

Comes in: the bytes of a checksum file, an index, a release. Goes out: a `Table`, from a path
to what the file must be.
Must not know: where the bytes come from, files, the network. One error: `core.errors.Invalid`.
"""
