"""Steps of several processes: counters in shared memory, and waiting for them."""
