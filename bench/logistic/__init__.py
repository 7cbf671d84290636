"""Sparse logistic regression beside other packages."""
