"""Pairs of samples: are they of one person, how often is that wrong, and for whom."""
