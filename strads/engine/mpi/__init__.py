"""Runs on several machines: the ranks of MPI execute one program together."""
