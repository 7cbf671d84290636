"""Linear models on matrices that stay in files: passes over the files, working sets in memory."""
