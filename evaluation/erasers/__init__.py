"""Remove an attribute from embeddings."""
