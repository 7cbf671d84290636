"""Solvers of linear models with concave penalties, counts, or weights of features."""
