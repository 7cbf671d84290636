"""What is counted while a program runs: time and updates, staleness, visits of ids."""
