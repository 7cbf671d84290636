"""Hostile files, saved models, arrays and parameters, and what may come of them."""
