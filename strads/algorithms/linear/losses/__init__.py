"""Loss functions of linear models."""
