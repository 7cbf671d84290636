"""Benchmarks of ranks of MPI: ``python -m bench.mpi``."""
