"""Kernels of sparse coding: codes of signals, their certificates, statistics, and atoms."""
