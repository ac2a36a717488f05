"""Benchmarks: each figure beside its floor or its peer, measured in the same run. No test asserts a time."""
