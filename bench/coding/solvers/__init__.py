"""Solvers of dictionary learning, a module each; each returns the atoms, and a model or None."""
