"""What the commands of linear models do."""
