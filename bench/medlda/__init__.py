"""Supervised topic models beside classifiers of texts."""
