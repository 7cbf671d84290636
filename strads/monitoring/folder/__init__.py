"""The files in the folder of a run, and who writes them."""
