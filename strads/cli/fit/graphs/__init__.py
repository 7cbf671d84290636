"""The commands ``strads fit …`` of models on graphs, one a file."""
