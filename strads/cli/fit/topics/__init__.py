"""The commands ``strads fit …`` of topic models, one a file."""
