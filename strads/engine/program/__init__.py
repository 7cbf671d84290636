"""Programs: what a user declares, the arrays given to it, and the figures that it reports."""
