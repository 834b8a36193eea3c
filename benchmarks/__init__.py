"""Studies and timings behind the numbers that the documentation quotes."""
