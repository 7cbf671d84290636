"""Rounds: how leases are filled, and how kernels are run on them."""
