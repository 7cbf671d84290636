"""Fits of data four times the memory that they may take."""
