"""From data to weights with a certificate."""
