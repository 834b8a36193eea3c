"""Estimate how much of an attribute a representation gives away."""
