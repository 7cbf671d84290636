"""Kernels for linear models: columns of matrices, proximal operators."""
