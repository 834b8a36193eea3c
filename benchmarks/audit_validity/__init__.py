"""Constructed tables with a known truth, and the verdicts of the audit on them."""
