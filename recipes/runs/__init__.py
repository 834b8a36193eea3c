"""Run folders: resume, locks, atomic files."""
