"""A lab as a file: read, checked, expanded, compared with what is there; pure.

Comes in: the file's text; how the things that it names are now.  Goes out: a `Lab` of single items in the
order of their needs, or every problem of the file with its line; the changes; the file's JSON schema.
Must not know: who stores or applies them, whether a name outside the file means something.
"""
