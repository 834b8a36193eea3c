"""Biased and mixed samples of a split."""
