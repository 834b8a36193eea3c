"""Files and their names: atomic writes, locks, checksums, safe names."""
