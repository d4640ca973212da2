"""One installer family per file: which tree is theirs, which kernel and arguments start it.

Comes in: the small files of a tree (.treeinfo, Release).  Goes out: a `Tree`, a kernel command line.
Must not know: how those files were fetched, answer files' contents, libvirt.
"""
