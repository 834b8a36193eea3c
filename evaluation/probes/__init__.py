"""Classifiers that attack a representation."""
