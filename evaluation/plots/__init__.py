"""Figures of the audit: each function takes a tidy frame and returns a matplotlib figure, in one style."""
