"""The entry by terminal: one file per noun.

Comes in: words.  Goes out: requests to the API, tables, one sentence for an error, an exit code.
Must not know: SQL, libvirt, how anything is done.
"""
