"""The edge of media: the mini installer's kernel and initramfs, root images, their trees on disk.

Comes in: a folder, a recipe, the host's package manager.  Goes out: files with their hashes.
Must not know: guests, installs, HTTP.
"""
