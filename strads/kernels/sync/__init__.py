"""Synchronisation of processes: counters in shared memory, and waiting for them."""
