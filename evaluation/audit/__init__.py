"""The audit: settings, rows, plan, measurements, cache, result and verdict."""
