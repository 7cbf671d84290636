"""Benchmarks of programs of the kind that users write, beside plain loops."""
