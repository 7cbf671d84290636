"""What a user declares: a program, what is given to it, what it reports."""
