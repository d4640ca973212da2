"""Answer files: rendered, checked, and with their secrets masked; pure.

Comes in: variables, an install's facts, secrets, template text.  Goes out: the text that an installer
reads, findings of a lint.
Must not know: HTTP, tokens' storage, who asks.
"""
