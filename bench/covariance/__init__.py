"""Sparse graphs of variables beside other packages."""
