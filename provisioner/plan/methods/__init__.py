"""How an installer is started: one file for each method.

Each has `prepare(spec, host, tree, given) -> Prepared` and `warnings(spec)`.
"""
