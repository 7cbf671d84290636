"""The commands ``strads fit …`` of models on graphs, and of graphs of variables, one a file."""
