"""Rates per group and gaps between them."""
