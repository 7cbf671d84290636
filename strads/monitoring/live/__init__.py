"""A run while it goes on: what its events tell, a picture of that, and where it is drawn."""
