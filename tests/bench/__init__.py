"""Figures: ours beside the same by hand, alternating. `python -m tests.bench [--quick]`, as root."""
