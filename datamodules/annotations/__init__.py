"""Parse the authors' label files and split by subject."""
