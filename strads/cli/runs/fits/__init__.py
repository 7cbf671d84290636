"""What the commands that fit do with their file, by kind of model."""
