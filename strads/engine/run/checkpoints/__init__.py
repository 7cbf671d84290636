"""Checkpoints: what they hold, their files and folders, and who may resume from them."""
