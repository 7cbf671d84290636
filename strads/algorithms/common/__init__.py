"""What estimators of several problems share."""
