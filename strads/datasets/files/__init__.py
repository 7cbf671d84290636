"""Files, watched while they are read."""
