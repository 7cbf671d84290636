"""Matrices that stay in files: how they are mapped, converted, and checked to be the same."""
