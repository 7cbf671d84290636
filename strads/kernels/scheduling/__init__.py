"""What a priority schedule computes: draws, dependency checks."""
