"""What a fitted factorisation can do."""
