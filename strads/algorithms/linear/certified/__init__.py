"""Data preparation before the solver, and the certificate of its weights afterwards."""
