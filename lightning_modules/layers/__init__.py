"""Losses, heads and layers of the methods."""
