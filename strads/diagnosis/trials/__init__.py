"""Timed trial fits: what is fitted, where the time went, and what follows for more workers."""
