"""Resume and shard long jobs."""
