"""Run W&B sweep files and rank their runs."""
