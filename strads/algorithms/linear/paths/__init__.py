"""Regularization paths as functions."""
