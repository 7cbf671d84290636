"""What the commands do: fits with progress, records of runs, and files of results."""
