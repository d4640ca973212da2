"""Answer files: rendered, checked, and with their secrets masked; pure.

Comes in: a profile, an install's facts, secrets, template text.  Goes out: kickstart or preseed text,
findings of a lint.
Must not know: HTTP, tokens' storage, who asks.
"""
