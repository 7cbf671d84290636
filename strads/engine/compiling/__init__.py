"""Compiled code: what it depends on, where it is kept, how it comes back."""
