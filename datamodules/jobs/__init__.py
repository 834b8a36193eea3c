"""Resume and share long jobs."""
