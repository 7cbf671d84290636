"""Sampling on graphs beside other packages: draws a second, and energies at equal seconds."""
