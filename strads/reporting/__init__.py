"""What is read from the folder of a run after it: reports, lists, comparisons, pictures."""
