"""Compiled code: what it depends on, where it is kept, and how it is loaded again."""
