"""The audit: what is measured, in which order, and what was measured already."""
