"""The benchmarks run on tiny data."""
