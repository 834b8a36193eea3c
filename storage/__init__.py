"""Keep files whole: atomic writes, locks, checksums, safe names."""
