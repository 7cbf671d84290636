"""Rounds: policies fill leases, and workers run kernels on the leased ids."""
