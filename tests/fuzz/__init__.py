"""What reads bytes of strangers, fuzzed with coverage (`make fuzz`): a value or one error, never more.

Seeds are the packets of real firmware and `tests/data/fuzz/TARGET`, where an input that once broke something
is kept; `make test` tries them all.
"""
