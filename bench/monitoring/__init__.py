"""Benchmarks of what it costs to see a fit: ``python -m bench.monitoring``."""
