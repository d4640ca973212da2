"""Pure: how long installs take. In come events, out go marks with their seconds, and what is to be expected.

It must not know a clock, the store, or how anything is shown.
"""
