"""Studies and timings behind the figures that are quoted."""
