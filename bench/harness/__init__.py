"""What all benchmarks share: problems and solvers, the race, fits in processes, tables, files."""
