"""What every benchmark shares: races, fits in processes of their own, memory, tables, files."""
