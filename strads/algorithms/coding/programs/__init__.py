"""Programs of sparse coding and dictionary learning."""
