"""Keep run folders: resume, locks, files written at once."""
