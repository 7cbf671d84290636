"""Benchmarks of the engine itself: synchronisation, rounds, the priority schedule."""
