"""Kernels of the priority schedule: draws in proportion to weights, dependency checks."""
