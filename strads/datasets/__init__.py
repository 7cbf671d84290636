"""Data in files: matrices, ratings, documents."""
