"""Simulated machines: the real agent's outbox, courier and line, with invented hardware and invented habits.

They are marked `simulated` when they join and in every hello. The benchmarks use them as their load.
"""
