"""The programs of the factorisation solvers."""
