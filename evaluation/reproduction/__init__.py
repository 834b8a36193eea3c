"""Compare published results with ours."""
