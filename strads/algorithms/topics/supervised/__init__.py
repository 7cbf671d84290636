"""Supervised topic models: topics that tell the labels of documents apart."""
