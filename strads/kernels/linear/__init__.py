"""Columns of matrices, and what linear models need beside them."""
