"""Rows of factors."""
