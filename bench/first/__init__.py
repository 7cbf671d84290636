"""Benchmarks of what a user waits for before anything is computed: imports and first fits."""
