"""Kernels for matrix factorisation: steps on the rows of factors."""
