"""The edge of the database: tables, migrations, and the methods that `service.ports.Store` names.

Comes in: nouns and events.  Goes out: nouns.
Must not know: who asks, what an event means beyond `core.install.advance`.
"""
