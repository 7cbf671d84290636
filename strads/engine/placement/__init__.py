"""Placement: which worker holds which ids, so that ids that depend on each other are together."""
