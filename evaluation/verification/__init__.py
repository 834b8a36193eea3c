"""Compare pairs of faces and rate the errors."""
