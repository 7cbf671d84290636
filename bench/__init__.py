"""Benchmarks: time to an externally judged accuracy, and microbenchmarks of kernels."""
