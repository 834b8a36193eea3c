"""Read and write embedding tables."""
