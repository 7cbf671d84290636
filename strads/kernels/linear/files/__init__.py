"""Kernels on matrices that stay in files, and are read stripe by stripe."""
