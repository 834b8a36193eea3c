"""Classifiers built on a representation, and whom they serve."""
