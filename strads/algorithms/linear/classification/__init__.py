"""Linear classification: estimators of labels, and what they share."""
