"""Who tries to read an attribute from embeddings, and how much they read."""
