"""Kernels of sparse graphs of variables."""
